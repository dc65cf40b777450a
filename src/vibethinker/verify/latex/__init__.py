"""The fast path: answers parsed into a typed tree and compared exactly or at points, without evaluating any text."""
