# Nothing: no compiler runs here.
