"""Orders equal to the cent: a generator of shop orders, the recorded ones, and a model of Odoo that judges both."""
