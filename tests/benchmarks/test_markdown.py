from benchmarks.markdown import table


def test_columns_are_aligned_words_to_the_left_and_numbers_to_the_right():
    assert table(["name", "n"], [["a", "1"], ["longer", "1,000"]]).splitlines() == [
        "| name   |     n |",
        "| ---    |   --: |",
        "| a      |     1 |",
        "| longer | 1,000 |",
    ]
