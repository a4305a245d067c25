"""Odoo Connector: keeps a PrestaShop shop and an Odoo database equal, through a queue that loses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from portal.config import Config

ROOT = Path(__file__).parent.parent


def create_app(config: Config | None = None) -> Flask:
    """The web application. Without a configuration it reads the environment and prepares keys, logs and schema.

    Imports stand inside: the workers and the pure parts live in this package too and need no Flask.
    """
    from flask import Flask

    from portal import extensions
    from portal.runtime import prepare
    from portal.web import (
        access,
        account,
        alerts,
        auth,
        conflicts,
        dashboard,
        drift,
        errors,
        first_admin,
        frozen,
        headers,
        inbound,
        initial,
        jobs,
        language,
        ledgers,
        logbook,
        mappings,
        members,
        people,
        person,
        records,
        rehearsal,
        settings,
        shown,
        stores,
        taxes,
        told,
        triage,
        webhooks,
        zones,
    )

    config = prepare() if config is None else config
    app = Flask("portal", root_path=str(ROOT), static_folder="static", template_folder="templates")
    headers.init_app(app, config)
    extensions.init_database(app, config)
    extensions.csrf.init_app(app)
    auth.init_app(app, config)
    access.init_app(app)
    errors.init_app(app)
    language.init_app(app)
    zones.init_app(app)
    shown.init_app(app)
    told.init_app(app)

    of_one_store = access.store_pages(*(part.pages for part in (
        dashboard, jobs, triage, ledgers, taxes, mappings, logbook, initial, rehearsal, conflicts, frozen, drift, settings,
        webhooks, alerts, members, records, person)), records.finder)
    for blueprint in (of_one_store, language.pages, account.pages, stores.pages, people.pages, first_admin.pages, inbound.pages):
        app.register_blueprint(blueprint)
    extensions.csrf.exempt(inbound.pages)
    return app
