"""The tabs of the page beside the conversation, one module each.

``build(gr, context)`` lays a tab out inside its ``gr.Tab`` and registers in ``context.parts["<name>.<part>"]`` what
others may use; ``wire(gr, app, context)`` connects the events, after every tab is built. ``<name>.css`` is put into
the head.
"""
