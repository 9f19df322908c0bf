"""By what gradient checkers are judged: wrong backwards that they must find, right ones that they must leave alone."""
