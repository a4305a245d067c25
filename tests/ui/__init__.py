"""Journeys of people through the pages, in a real browser, with a real worker behind them."""
