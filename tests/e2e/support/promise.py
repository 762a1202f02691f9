"""@promise("3.4", "Sent exactly once"): the sentence of the contract that a test checks."""

import pytest


def promise(section, sentence):
    """The section's number and the sentence, or its beginning, word for word."""
    return pytest.mark.promise(section, sentence)
