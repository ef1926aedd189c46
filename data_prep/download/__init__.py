"""Downloads over HTTP that can be resumed at any byte."""
