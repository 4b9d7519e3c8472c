"""`python -m canthus.cli`: the command where it is not on the path."""

from canthus.cli import main

main()
