"""Words that may follow the name of a venue or a year without making it part of a longer name.

'Papers in Nature about moths' names a venue, 'studies of Science education' does not; 'papers in 2020 about data'
names a year, 'research in 2020 vision plans' does not.
"""

from __future__ import annotations

FOLLOWS = (
    r"(?<!\s)(?=\s*+(?:$|[?.!,;:)/&]|(?:19|20)\d\d\b|(?:about|above|across|after|against|among|and|are|as|at|before|between|by|"
    r"concerning|contain|containing|cover|covering|deal|dealing|did|discuss|discussing|do|does|during|find|for|found|from|"
    r"had|has|have|how|in|include|including|into|is|look|mention|mentioning|mentions|of|on|or|over|published|regarding|"
    r"report|reported|reporting|say|said|show|showed|since|study|studied|studying|than|that|there|through|to|treat|under|"
    r"until|up|use|used|uses|using|was|were|what|when|where|which|who|whose|why|with|within|without)\b))"
)
