"""Runs LSH and its peers on the same work, in turns, and prints one table.

Read in this order: `method` (what a plug-in is) and `methods` (one file each); `data` (vectors and queries), `truth`
(what is right); `worker` (one method in a process of its own), `measure` (whose turn it is), `frontier` (speed at a
recall); `report`, `page` and `gate` say the result as a table, a page and an exit code.
"""
