"""The entailment network: does a source bear a claim out? Data, training, figures, export."""
