"""The SQL that makes ``papers.sqlite``: tables, the full-text index over the papers, and the triggers that keep it.

The full-text index is SQLite's FTS5 over id, title, abstract, authors and venue, ignoring case and accents.
"""

from __future__ import annotations

# Which encoder and chunker made the library, as manifest.json says too: known here for the day that file is missing.
# Libraries of older programs get it when they are next opened for writing.
MADE_WITH = """
CREATE TABLE IF NOT EXISTS made_with (
    embedder TEXT NOT NULL, weights_sha256 TEXT NOT NULL, dimension INTEGER NOT NULL, chunker TEXT NOT NULL
);
"""

# How many papers in the vector index were replaced or deleted since it was made: see storage.indexing.is_worn.
WEAR = """
CREATE TABLE IF NOT EXISTS wear (replaced INTEGER NOT NULL);
"""

# The papers whose vectors are still to be computed, in the order in which they came: see storage.missing.
WITHOUT_VECTORS = "CREATE INDEX IF NOT EXISTS papers_without_vectors ON papers (vectors) WHERE vectors IS NULL;"
# The collection of a Chroma server that holds the vectors, where the folder does not: see storage.vector_place.
VECTOR_PLACE = """
CREATE TABLE IF NOT EXISTS vector_place (collection TEXT NOT NULL, state TEXT NOT NULL, server TEXT NOT NULL);
"""

# What notices and the Retraction Watch database say of papers, by their identity keys: see rag.papers.retractions.
NOTICES = """
CREATE TABLE IF NOT EXISTS notices (
    key TEXT NOT NULL, nature TEXT NOT NULL, date TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (key, nature, date)
) WITHOUT ROWID;
"""

# Records that were merged into papers, and those that were parted again: see rag.library.storage.merges. Libraries of
# older programs get it when they are next opened for writing.
MERGES = """
CREATE TABLE IF NOT EXISTS merges (
    number INTEGER PRIMARY KEY AUTOINCREMENT, record_id TEXT NOT NULL, record_hash TEXT NOT NULL,
    paper_id TEXT NOT NULL, record TEXT NOT NULL, kind TEXT NOT NULL, added TEXT NOT NULL, undone TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS merges_record ON merges (record_id, record_hash);
CREATE INDEX IF NOT EXISTS merges_paper ON merges (paper_id);
CREATE INDEX IF NOT EXISTS merges_undone ON merges (undone, number);
"""

# What of a paper comes from records that are kept in step: see storage.givers.
GIVEN = """
CREATE TABLE IF NOT EXISTS given (
    paper_id TEXT NOT NULL, kind TEXT NOT NULL, mark TEXT NOT NULL, giver TEXT NOT NULL,
    PRIMARY KEY (paper_id, kind, mark, giver)
) WITHOUT ROWID;
"""

TABLES = """
CREATE TABLE papers (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL,
    title TEXT NOT NULL, abstract TEXT NOT NULL, authors TEXT NOT NULL, year INTEGER,
    venue TEXT NOT NULL, url TEXT NOT NULL, doi TEXT NOT NULL, source TEXT NOT NULL,
    passages TEXT NOT NULL, sentences TEXT NOT NULL, vectors BLOB, more TEXT NOT NULL DEFAULT '{}'
);
-- The identity keys of each paper: see rag.papers.identity.
CREATE TABLE keys (key TEXT NOT NULL, paper_id TEXT NOT NULL, PRIMARY KEY (key, paper_id)) WITHOUT ROWID;
CREATE INDEX keys_paper ON keys (paper_id);
-- Hashes of the imported records, to tell at the next import what is new. One id may come several times in a file.
CREATE TABLE records (
    id TEXT NOT NULL, position INTEGER NOT NULL, hash TEXT NOT NULL, paper_id TEXT NOT NULL,
    PRIMARY KEY (id, position)
) WITHOUT ROWID;
CREATE INDEX records_paper ON records (paper_id);
-- Papers whose passages the vector index does not hold yet, or holds in an old version.
CREATE TABLE pending (paper_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE state (revision INTEGER NOT NULL);
INSERT INTO state VALUES (0);
"""

# The files of the word index with the rows of deleted papers in each, and the papers that changed since: see
# storage.words.listing.
WORD_INDEX = """
CREATE TABLE word_segments (name TEXT PRIMARY KEY, deleted BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE word_changes (paper_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TRIGGER word_changes_insert AFTER INSERT ON papers BEGIN
    INSERT OR IGNORE INTO word_changes VALUES (new.id);
END;
CREATE TRIGGER word_changes_delete AFTER DELETE ON papers BEGIN
    INSERT OR IGNORE INTO word_changes VALUES (old.id);
END;
CREATE TRIGGER word_changes_update AFTER UPDATE OF id, title, abstract ON papers
WHEN (old.id, old.title, old.abstract) IS NOT (new.id, new.title, new.abstract) BEGIN
    INSERT OR IGNORE INTO word_changes VALUES (old.id);
    INSERT OR IGNORE INTO word_changes VALUES (new.id);
END;
"""
ALL_WORDS_CHANGED = "INSERT OR IGNORE INTO word_changes SELECT id FROM papers;"

# What a change needs to know of all papers, without reading their texts and vectors: how many there are of each, kept
# by triggers, and their hashes.
_PASSAGES, _SENTENCES = "json_array_length({0}.passages)", "json_array_length({0}.sentences)"
_NEW_COUNTS = f"passages = passages + {_PASSAGES}, sentences = sentences + {_SENTENCES}".format("new")
_OLD_COUNTS = f"passages = passages - {_PASSAGES}, sentences = sentences - {_SENTENCES}".format("old")
COUNTED = "SELECT count(*), total(json_array_length(passages)), total(json_array_length(sentences)) FROM papers"
TOTALS = f"""
CREATE TABLE totals (papers INTEGER NOT NULL, passages INTEGER NOT NULL, sentences INTEGER NOT NULL);
INSERT INTO totals {COUNTED};
CREATE TRIGGER totals_insert AFTER INSERT ON papers BEGIN
    UPDATE totals SET papers = papers + 1, {_NEW_COUNTS};
END;
CREATE TRIGGER totals_delete AFTER DELETE ON papers BEGIN
    UPDATE totals SET papers = papers - 1, {_OLD_COUNTS};
END;
CREATE TRIGGER totals_update AFTER UPDATE OF passages, sentences ON papers BEGIN
    UPDATE totals SET {_OLD_COUNTS};
    UPDATE totals SET {_NEW_COUNTS};
END;
CREATE INDEX papers_hashes ON papers (id, hash);
"""

FULL_TEXT = "paper_words"  # the name of the full-text table
_FIELDS = "id, title, abstract, authors, venue"
_OPTIONS = "detail=none, prefix='2 3', tokenize='unicode61 remove_diacritics 2'"
_NEW, _OLD = ("new.id, new.title, new.abstract, new.authors, new.venue",
              "old.id, old.title, old.abstract, old.authors, old.venue")  # fmt: skip
_DELETE = f"INSERT INTO {FULL_TEXT} ({FULL_TEXT}, rowid, {_FIELDS}) VALUES ('delete', old.rowid, {_OLD});"
_INSERT = f"INSERT INTO {FULL_TEXT} (rowid, {_FIELDS}) VALUES (new.rowid, {_NEW});"

# The first index holds what filters and orders use: a page is found without reading abstracts and vectors. Few papers
# have no abstract: the second one holds those.
LISTING = "papers_by_listed"
LISTINGS = f"""
CREATE INDEX IF NOT EXISTS {LISTING} ON papers (year, venue, source, title, authors, id);
CREATE INDEX IF NOT EXISTS papers_without_abstract ON papers (id) WHERE abstract = '';
DROP INDEX IF EXISTS papers_listing;
"""  # that of older programs lacks the authors
BROWSING = f"""
{LISTINGS}
CREATE VIRTUAL TABLE IF NOT EXISTS {FULL_TEXT} USING fts5({_FIELDS}, content='papers', {_OPTIONS});
CREATE TRIGGER IF NOT EXISTS {FULL_TEXT}_insert AFTER INSERT ON papers BEGIN {_INSERT} END;
CREATE TRIGGER IF NOT EXISTS {FULL_TEXT}_delete AFTER DELETE ON papers BEGIN {_DELETE} END;
CREATE TRIGGER IF NOT EXISTS {FULL_TEXT}_update AFTER UPDATE OF {_FIELDS} ON papers BEGIN {_DELETE} {_INSERT} END;
"""
# Tags and collections by name, out of the column ``more``: what papers are filtered by must not read their vectors,
# which lie before that column. ``kind`` is the name of the field.
_OF_PAPER = """SELECT 'tags', value, {row}.id FROM json_each({row}.more, '$.tags') WHERE value <> ''
    UNION SELECT 'collections', value, {row}.id FROM json_each({row}.more, '$.collections') WHERE value <> ''"""
_OF_ALL = " UNION ALL ".join(
    f"SELECT '{kind}' AS kind, j.value AS name, p.id AS paper_id FROM papers AS p, json_each(p.more, '$.{kind}') AS j "
    "WHERE p.more <> '{}' AND j.value <> ''"
    for kind in ("tags", "collections")
)
GROUPS = f"""
CREATE TABLE IF NOT EXISTS paper_groups (
    kind TEXT NOT NULL, name TEXT NOT NULL, paper_id TEXT NOT NULL, PRIMARY KEY (kind, name, paper_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS paper_groups_paper ON paper_groups (paper_id);
CREATE TRIGGER IF NOT EXISTS paper_groups_insert AFTER INSERT ON papers WHEN new.more <> '{{}}' BEGIN
    INSERT OR IGNORE INTO paper_groups {_OF_PAPER.format(row="new")};
END;
CREATE TRIGGER IF NOT EXISTS paper_groups_delete AFTER DELETE ON papers BEGIN
    DELETE FROM paper_groups WHERE paper_id = old.id;
END;
CREATE TRIGGER IF NOT EXISTS paper_groups_update AFTER UPDATE OF more ON papers WHEN old.more <> new.more BEGIN
    DELETE FROM paper_groups WHERE paper_id = old.id;
    INSERT OR IGNORE INTO paper_groups {_OF_PAPER.format(row="new")};
END;
"""
FILL_GROUPS = f"INSERT OR IGNORE INTO paper_groups {_OF_ALL};"
# For a reader of a library that an older program made.
GROUPS_VIEW = f"CREATE TEMP VIEW IF NOT EXISTS paper_groups AS {_OF_ALL}"
# Libraries of earlier versions have no column ``more``: see storage.stored_paper.more_of.
ADD_MORE = "ALTER TABLE papers ADD COLUMN more TEXT NOT NULL DEFAULT '{}'"
# A view hides the lasting table of its name, for a reader who may not write.
VIEW_WITH_MORE = "CREATE TEMP VIEW papers AS SELECT rowid, *, '{}' AS more FROM main.papers"
REBUILD_FULL_TEXT = f"INSERT INTO {FULL_TEXT} ({FULL_TEXT}) VALUES ('rebuild');"
# A temporary table of the same name hides the lasting one until it is dropped.
DROP_TEMPORARY_FULL_TEXT = f"DROP TABLE IF EXISTS temp.{FULL_TEXT};"
TEMPORARY_FULL_TEXT = f"""
{DROP_TEMPORARY_FULL_TEXT}
CREATE VIRTUAL TABLE temp.{FULL_TEXT} USING fts5({_FIELDS}, content='', {_OPTIONS});
INSERT INTO temp.{FULL_TEXT} (rowid, {_FIELDS}) SELECT rowid, {_FIELDS} FROM main.papers;
"""
