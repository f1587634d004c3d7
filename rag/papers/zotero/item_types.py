"""Zotero's types of items and the types of CSL that they are, for its database and for every file that it writes."""

CSL_TYPES = {  # see github.com/zotero/zotero-schema
    "journalArticle": "article-journal", "magazineArticle": "article-magazine", "newspaperArticle": "article-newspaper",
    "conferencePaper": "paper-conference", "preprint": "article", "book": "book", "bookSection": "chapter",
    "encyclopediaArticle": "entry-encyclopedia", "dictionaryEntry": "entry-dictionary", "thesis": "thesis",
    "report": "report", "document": "document", "dataset": "dataset", "computerProgram": "software",
    "webpage": "webpage", "blogPost": "post-weblog", "forumPost": "post", "presentation": "speech",
    "patent": "patent", "standard": "standard", "manuscript": "manuscript", "statute": "legislation",
    "bill": "bill", "case": "legal_case", "hearing": "hearing", "letter": "personal_communication",
    "email": "personal_communication", "instantMessage": "personal_communication", "interview": "interview",
    "map": "map", "artwork": "graphic", "film": "motion_picture", "videoRecording": "motion_picture",
    "tvBroadcast": "broadcast", "radioBroadcast": "broadcast", "podcast": "song", "audioRecording": "song",
}  # fmt: skip
