"""The HTTP API beside the page: ``/api/v1`` for programs of one's own, ``/v1`` in the form of OpenAI's.

Read first: ``app.py`` (what there is), then ``access.py`` (who may use it). One file a group of routes.
"""
