"""The app: pages, what they share, and the server behind them."""
