"""The pages and the endpoints. Views stay thin: what they do is written down in `portal.sync`."""
