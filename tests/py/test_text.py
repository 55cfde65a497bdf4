"""The report that is read on a terminal."""

from __future__ import annotations

from exactrace import text


def test_the_margin_is_as_wide_as_the_largest_count() -> None:
    listing = (
        "    1: def f():\n"
        ">>>>>>     return 1\n"
        "       # a comment: with a colon\n"
        "1234567: for i in x:\n"
        "       \n"
    )
    assert text.aligned(listing) == (
        "      1: def f():\n"
        ">>>>>>>>     return 1\n"
        "         # a comment: with a colon\n"
        "1234567: for i in x:\n"
        "         \n"
    )


def test_a_listing_of_small_counts_stays_as_it_is() -> None:
    listing = "    1: x = 1\n>>>>>> y: int = 2\n       \f# page\n"
    assert text.aligned(listing) == listing


def test_an_empty_listing_stays_empty() -> None:
    assert text.aligned("") == ""
