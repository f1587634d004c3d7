"""Footnote: questions about a library of paper abstracts, answered offline, a footnote on every sentence.

The modules in the order of the flow; ``pipeline.py`` is the place to start reading.

=================================  ==================================================================
``datatypes.py``, ``errors.py``    the records, the Protocols and the errors that all steps share
``config.py``                      TOML and environment to one frozen ``Settings``
``importers/``, ``plaintext.py``   files to papers, one by one
``identity.py``                    which records are the same paper
``chunking.py``                    abstracts to sentences and passages, offsets exact
``encoding/``                      text to vectors; the weights, also as GGUF for llama.cpp
``onnx_encoder.py``                pairs of texts to scores through onnxruntime
``library.py``, ``storage/``       a library on disk: Chroma, BM25, papers, manifest
``questions.py``, ``spelling.py``  what is asked, completed and put right
``retrievers/``                    dense, lexical, hybrid
``features.py``, ``roles.py``      what the choice of sentences looks at
``naming.py``, ``quantities.py``   the names and figures of a question, and whether a text has them
``evidence.py``, ``selection.py``  sentences scored; those of the answer, numbered
``refusal.py``                     whether there is an answer, and how far the library is from one
``overview.py``, ``record.py``     questions about the whole library, and about the record of one paper
``scope.py``                       which papers a question may use; filters read from its words
``comparing.py``                   'compare A and B': what two papers say of the same things
``tables.py``, ``cells.py``        papers side by side, every cell a sentence of the abstract
``atlas.py``, ``topics.py``         the map of a library, and what its groups are about
``pruning.py``                     what of the chosen sentences an answer needs
``wording.py``, ``prompting.py``   sentences in the third person; a file of ``prompts/`` and evidence to messages
``generators/``, ``models/``       quotes, or a GGUF through llama.cpp; which GGUFs there are
``citations.py``, ``facts.py``     every sentence against the abstract that it cites
``support.py``                     how likely an abstract bears a sentence out
``marks.py``                       how a footnote number is written
``presentation.py``, ``presentation_html.py``, ``bibliography.py``  answers and papers in all formats
``reader.py``, ``why.py``         one footnote opened for reading; how an answer came about
``related.py``, ``suggestions.py``, ``replay.py``  near papers, what to ask next, the same answer or not
``pipeline.py``, ``runnable.py``   the whole way; the same as a LangChain Runnable
``factory.py``                     settings to objects, the only wiring place
``service.py``                     the libraries on this computer
``importing.py``, ``revision.py``  imports in a thread, with a report; what is typed about a paper
``history/``, ``exports/``         kept conversations; the same as files for other programs
``feedback.py``, ``accounts.py``   rated answers as an evaluation set; who may sign in
``evaluation/``                    retrieval and answers, measured beside baselines
``cli/``, ``ui/``                  command line and chat
``offline.py``                     refuses every connection beyond this computer
=================================  ==================================================================
"""

__version__ = "0.1.0"
