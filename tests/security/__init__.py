"""One test a line of the security checklist, named by its number. Lines that are held elsewhere are
listed with the test that does it in `test_not_yet.py`, and so are those whose part is not there.
"""
