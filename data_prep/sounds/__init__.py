"""Users' own sounds: decoding, embedding by YAMNet, conversion to a prepared dataset, and queries."""
