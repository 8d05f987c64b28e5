"""Lets ``python -m myoassist.cli`` work like the installed command."""

from myoassist.cli import main

main()
