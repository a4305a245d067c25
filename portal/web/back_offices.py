"""Addresses of a record's page in Odoo and in the shop's back office. No Flask."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from portal.models import Mapping, Store

MODELS = {"customer": "res.partner", "product": "product.template", "combination": "product.product", "stock": "product.product",
          "order": "sale.order"}
_SHOP = {"customer": "sell/customers/{}/view", "product": "sell/catalog/products/{}/edit",
         "combination": "sell/catalog/products/{}/edit", "stock": "sell/catalog/products/{}/edit", "order": "sell/orders/{}/view"}
"""Below the back office's index.php, alike in PrestaShop 8.1 to 9."""
NEW_ADDRESSES = 18
"""The first Odoo whose pages are called /odoo/model/id; the older form is an anchor of /web."""


def odoo_page(store: Store, entity: str, odoo_id: int) -> str:
    """Where Odoo shows the record; "" for what has no page."""
    model = MODELS.get(entity)
    return "" if model is None else odoo_model_page(store, model, odoo_id)


def odoo_model_page(store: Store, model: str, odoo_id: int) -> str:
    """Where Odoo shows a record of any model."""
    base = store.odoo_url.rstrip("/")
    series = str((store.odoo_profile or {}).get("version") or "").removeprefix("saas~").partition(".")[0]
    if series.isdecimal() and int(series) >= NEW_ADDRESSES:
        return f"{base}/odoo/{quote(model)}/{odoo_id}?{urlencode({'db': store.odoo_db})}"
    return f"{base}/web?{urlencode({'db': store.odoo_db})}#{urlencode({'id': odoo_id, 'model': model, 'view_type': 'form'})}"


def shop_page(store: Store, entity: str, shop_id: str) -> str:
    """Where the shop's back office shows the record; "" while its folder is not known."""
    folder = _folder(store)
    number = shop_id.partition(":")[0]
    if not folder or entity not in _SHOP or not number.isdecimal():
        return ""
    return f"{store.ps_url.rstrip('/')}/{quote(folder)}/index.php/{_SHOP[entity].format(number)}"


def _folder(store: Store) -> str:
    """The folder, also where somebody pasted the whole address of a page of the back office."""
    text = str(store.settings["shop_admin"]).strip()
    path = urlsplit(text).path.removeprefix(urlsplit(store.ps_url).path.rstrip("/")) if "://" in text else text
    return path.partition("/index.php")[0].strip("/")


def shown_to_shoppers(store: Store, entity: str, shop_id: str) -> str:
    """Where shoppers see it; "" for what they do not."""
    number = shop_id.partition(":")[0]
    if entity not in ("product", "combination", "stock") or not number.isdecimal():
        return ""
    return f"{store.ps_url.rstrip('/')}/index.php?{urlencode({'controller': 'product', 'id_product': number})}"


def title(mapping: Mapping | None) -> str:
    """What people call the record, without personal data: a product's name, an order's reference and name in Odoo."""
    if mapping is None:
        return ""
    if mapping.entity == "order":
        return " · ".join(str(text) for text in (mapping.data.get("reference"), mapping.data.get("name")) if text)
    if mapping.entity in ("product", "combination"):
        return " · ".join(str(text) for text in (mapping.base.get("name"), mapping.base.get("reference")) if text)
    return ""
