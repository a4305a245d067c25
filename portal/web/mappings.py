"""Which shop record is which record in Odoo."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select

from portal.entities import registry
from portal.extensions import reading
from portal.models import Mapping
from portal.sync import jobs
from portal.web.access import current_store

pages = Blueprint("mappings", __name__)
PAGE = 50


@pages.get("/mappings")
def page() -> ResponseReturnValue:
    """Links of one entity or all, found by the id on either side, newest first."""
    store = current_store()
    entity, text = request.args.get("entity", ""), request.args.get("q", "").strip()[:64]
    query = select(Mapping).where(Mapping.store_id == store.id, Mapping.target == store.target)
    if entity:
        query = query.where(Mapping.entity == entity)
    if text:
        same = [Mapping.shop_id == text, Mapping.shop_id.startswith(f"{text}-", autoescape=True)]
        if text.isdecimal() and len(text) < 19:
            same.append(Mapping.odoo_id == int(text))
        query = query.where(or_(*same))
    if before := request.args.get("before", type=int):
        query = query.where(Mapping.id < before)
    rows = list(reading().scalars(query.order_by(Mapping.id.desc()).limit(PAGE + 1)))
    return render_template("mappings.html", rows=rows[:PAGE], more=rows[PAGE - 1].id if len(rows) > PAGE else None,
                           counts=jobs.mapping_counts(reading(), store), entities=registry.ENTITIES, entity=entity, text=text)
