"""Relevance feedback: what a person marks as right or wrong changes the query, and then trains a classifier.

`teach` returns a scorer: Rocchio's query at first, a linear classifier from about ten marks on. `scores_of` scores a
collection with it, `next_to_judge` chooses what to mark next, `precision_of_marks` says how far to trust it.
"""

from lsh.feedback.classifier import Background, Classifier, background_of, fit_classifier
from lsh.feedback.precision import MIN_EACH, Precision, precision_of_marks
from lsh.feedback.rocchio import RocchioQuery, rocchio
from lsh.feedback.teaching import MIN_MARKS, Order, next_to_judge, scores_of, teach

__all__ = [
    "MIN_EACH",
    "MIN_MARKS",
    "Background",
    "Classifier",
    "Order",
    "Precision",
    "RocchioQuery",
    "background_of",
    "fit_classifier",
    "next_to_judge",
    "precision_of_marks",
    "rocchio",
    "scores_of",
    "teach",
]
