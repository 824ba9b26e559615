"""The words of the design: Measurement, Hypothesis, Verdict, and what keeps and runs them."""
