"""Tasks: technique-blind pipelines from data to verdicts."""
