"""Runs a notebook in a Python of its own, and writes it with its outputs: runNotebook.py NOTEBOOK RESULT"""

import sys

import nbformat
from nbclient import NotebookClient

source, result = sys.argv[1:]
notebook = nbformat.read(source, as_version=4)
try:
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
finally:
    for cell in notebook.cells:
        # Times and the kernel's details differ from run to run, and say nothing about the result.
        cell.metadata.pop("execution", None)
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, result)
