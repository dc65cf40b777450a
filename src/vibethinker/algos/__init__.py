"""The papers' mathematics: pure functions over plain sequences, one idea a file, standard library only."""
