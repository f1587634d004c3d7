"""The network that judges what of the ranker's sentences an answer needs, made from the writer's examples."""
