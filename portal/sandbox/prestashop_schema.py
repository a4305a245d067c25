"""The resources of the PrestaShop webservice the sandbox speaks, as recorded from 8.1 and 9.1.

The table is in the order in which the shop answers. A field is `name:type` with the types i integer,
b "0"/"1", d2/d3/d6 decimal text, t date and time, D date, l one text per language, none = text; then
! required, * computed (cannot be filtered), - read-only, ~ read-only from 9 on, 8 or 9 that major version
only. An association is `name/node(fields)`. Rows keep only what differs from the defaults: 10,000 are cheap.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

TABLE = """
customers customer
  id_default_group:i id_lang:i newsletter_date_add:t ip_registration_newsletter last_passwd_gen:t~
  secure_key:~ deleted:b passwd:! lastname:! firstname:! email:! id_gender:i birthday:D newsletter:b optin:b
  website company siret ape outstanding_allow_amount:d6 show_public_prices:b id_risk:i max_payment_days:i
  active:b note is_guest:b id_shop:i id_shop_group:i date_add:t date_upd:t reset_password_token
  reset_password_validity:t
  + groups/group()
addresses address
  id_customer:i id_manufacturer:i id_supplier:i id_warehouse:i id_country:i! id_state:i alias:! company
  lastname:! firstname:! vat_number address1:! address2 postcode city:! other phone phone_mobile dni
  deleted:b date_add:t date_upd:t
products product
  id_manufacturer:i id_supplier:i id_category_default:i new cache_default_attribute:i id_default_image:i*
  id_default_combination:i* id_tax_rules_group:i position_in_category:i* manufacturer_name:*- quantity:i*-
  type:* id_shop_default:i reference supplier_reference location width:d6 height:d6 depth:d6 weight:d6
  quantity_discount:b ean13 isbn upc mpn cache_is_pack:b cache_has_attachments:b is_virtual:b state:i
  additional_delivery_times:i delivery_in_stock:l delivery_out_stock:l product_type on_sale:b online_only:b
  ecotax:d6 minimal_quantity:i low_stock_threshold:i low_stock_alert:b price:d6! wholesale_price:d6 unity
  unit_price:d6 unit_price_ratio:d6 additional_shipping_cost:d6 customizable:i text_fields:i
  uploadable_files:i active:b redirect_type id_type_redirected:i available_for_order:b available_date:D
  show_condition:b condition show_price:b indexed:b visibility advanced_stock_management:b date_add:t
  date_upd:t pack_stock_type:i meta_description:l meta_keywords:l8 meta_title:l link_rewrite:l name:l
  description:l description_short:l available_now:l available_later:l
  + categories/category(id) images/image(id) product_features/product_feature(id,id_feature_value)
    stock_availables/stock_available(id,id_product_attribute) combinations/combination(id)
    product_option_values/product_option_value(id) product_bundle/product(id,id_product_attribute,quantity)
    tags/tag(id) attachments/attachment(id) accessories/product(id)
combinations combination
  id_product:i! ean13 isbn upc mpn reference supplier_reference wholesale_price:d6 price:d6 ecotax:d6
  weight:d6 unit_price_impact:d6 minimal_quantity:i! low_stock_threshold:i low_stock_alert:b default_on:b
  available_date:D available_now:l available_later:l
  + product_option_values/product_option_value() images/image()
product_options product_option
  is_color_group:b group_type:! position:i name:l! public_name:l!
  + product_option_values/product_option_value(id)
product_option_values product_option_value
  id_attribute_group:i! color position:i name:l!
stock_availables stock_available
  id_product:i! id_product_attribute:i! id_shop:i id_shop_group:i quantity:i! depends_on_stock:b!
  out_of_stock:i! location
orders order
  id_address_delivery:i! id_address_invoice:i! id_cart:i! id_currency:i! id_lang:i! id_customer:i!
  id_carrier:i! current_state:i module:! invoice_number:i invoice_date:t delivery_number:i delivery_date:t
  valid:b date_add:t date_upd:t shipping_number:* note id_shop_group:i id_shop:i secure_key payment:!
  recyclable:b gift:b gift_message mobile_theme:b total_discounts:d6 total_discounts_tax_incl:d6
  total_discounts_tax_excl:d6 total_paid:d6! total_paid_tax_incl:d6 total_paid_tax_excl:d6
  total_paid_real:d6! total_products:d6! total_products_wt:d6! total_shipping:d6 total_shipping_tax_incl:d6
  total_shipping_tax_excl:d6 carrier_tax_rate:d3 total_wrapping:d6 total_wrapping_tax_incl:d6
  total_wrapping_tax_excl:d6 round_mode:i round_type:i conversion_rate:d6! reference
  + order_rows/order_row(id, product_id, product_attribute_id, product_quantity, product_name,
    product_reference, product_ean13, product_isbn, product_upc, product_price, id_customization,
    unit_price_tax_incl, unit_price_tax_excl)
order_details order_detail
  id_order:i! product_id:i product_attribute_id:i product_quantity_reinjected:i group_reduction:d2
  discount_quantity_applied:i download_hash download_deadline:t id_order_invoice:i id_warehouse:i!
  id_shop:i! id_customization:i product_name:! product_quantity:i! product_quantity_in_stock:i
  product_quantity_return:i product_quantity_refunded:i product_price:d6! reduction_percent:d2
  reduction_amount:d6 reduction_amount_tax_incl:d6 reduction_amount_tax_excl:d6 product_quantity_discount:d6
  product_ean13 product_isbn product_upc product_mpn product_reference product_supplier_reference
  product_weight:d6 tax_computation_method:i id_tax_rules_group:i ecotax:d6 ecotax_tax_rate:d3 download_nb:i
  unit_price_tax_incl:d6 unit_price_tax_excl:d6 total_price_tax_incl:d6 total_price_tax_excl:d6
  total_shipping_price_tax_excl:d6 total_shipping_price_tax_incl:d6 purchase_supplier_price:d6
  original_product_price:d6 original_wholesale_price:d6 total_refunded_tax_excl:d6
  total_refunded_tax_incl:d6
  + taxes/tax(id)
order_states order_state
  unremovable:b delivery:b hidden:b send_email:b module_name invoice:b color logable:b shipped:b paid:b
  pdf_delivery:b pdf_invoice:b deleted:b name:l! template:l
order_histories order_history
  id_employee:i id_order_state:i! id_order:i! date_add:t
order_carriers order_carrier
  id_order:i! id_carrier:i! id_order_invoice:i weight:d6 shipping_cost_tax_excl:d6 shipping_cost_tax_incl:d6
  tracking_number date_add:t
order_cart_rules order_cart_rule
  id_order:i! id_cart_rule:i! id_order_invoice:i name:! value:d6! value_tax_excl:d6! free_shipping:b
  deleted:b
order_payments order_payment
  order_reference id_currency:i! amount:d6! payment_method conversion_rate:d6 transaction_id card_number
  card_brand card_expiration card_holder date_add:t id_employee
order_invoices order_invoice
  id_order:i! number:i! delivery_number:i delivery_date:t total_discount_tax_excl:d6
  total_discount_tax_incl:d6 total_paid_tax_excl:d6 total_paid_tax_incl:d6 total_products:d6
  total_products_wt:d6 total_shipping_tax_excl:d6 total_shipping_tax_incl:d6
  shipping_tax_computation_method:i total_wrapping_tax_excl:d6 total_wrapping_tax_incl:d6 shop_address note
  date_add:t
order_slip order_slip
  id_customer:i! id_order:i! conversion_rate:d6! total_products_tax_excl:d6! total_products_tax_incl:d6!
  total_shipping_tax_excl:d6! total_shipping_tax_incl:d6! amount:d6 shipping_cost shipping_cost_amount:d6
  partial:i date_add:t date_upd:t order_slip_type:i
  + order_slip_details/order_slip_detail(id, id_order_detail, product_quantity, amount_tax_excl,
    amount_tax_incl)
carts cart
  id_address_delivery:i id_address_invoice:i id_currency:i! id_customer:i id_guest:i id_lang:i!
  id_shop_group:i id_shop:i id_carrier:i recyclable:b gift:b gift_message mobile_theme:b delivery_option
  secure_key allow_seperated_package:b date_add:t date_upd:t
  + cart_rows/cart_row(id_product,id_product_attribute,id_address_delivery,id_customization,quantity)
taxes tax
  rate:d3! active:b deleted:b name:l!
tax_rules tax_rule
  id_tax_rules_group:i! id_state:i id_country:i! zipcode_from zipcode_to id_tax:i! behavior:i description
tax_rule_groups tax_rule_group
  name:! active:b deleted:b date_add:t date_upd:t
countries country
  id_zone:i! id_currency:i call_prefix:i iso_code:! active:b contains_states:b!
  need_identification_number:b! need_zip_code:b zip_code_format display_tax_label:b! name:l!
states state
  id_zone:i! id_country:i! iso_code:! name:! active:b
currencies currency
  names:l name:!* symbol:l iso_code:! numeric_iso_code precision:i conversion_rate:d6! deleted:i active:i
  unofficial:i modified:i pattern:l
languages language
  name:! iso_code:! locale language_code active:i is_rtl:i date_format_lite:! date_format_full:!
carriers carrier
  deleted:b is_module:b id_tax_rules_group:i* id_reference:i name:! active:b! is_free:b url
  shipping_handling:b shipping_external:b range_behavior:b shipping_method:i max_width:i max_height:i
  max_depth:i max_weight:d6 grade:i external_module_name need_range:b position:i delay:l!
configurations configuration
  value name id_shop_group id_shop date_add:t date_upd:t
shops shop
  id_shop_group:i! id_category:i! active:i deleted:i name:! color theme_name
shop_groups shop_group
  name color share_customer:i share_order:i share_stock:i active:i deleted:i
groups group
  reduction:d2 price_display_method:i! show_prices:i date_add:t date_upd:t name:l!
categories category
  id_parent:i level_depth:i- nb_products_recursive:i*- active:b! id_shop_default:i is_root_category:b
  position:i redirect_type:9 id_type_redirected:i9 date_add:t date_upd:t name:l! link_rewrite:l!
  description:l additional_description:l meta_title:l meta_description:l meta_keywords:l8
  + categories/category() products/product()
zones zone
  name:! active:b
"""

# Every other resource the root document lists; without a table they answer as empty lists.
OTHERS = """
attachments cart_rules contacts content_management_system customer_messages customer_threads
customizations deliveries employees guests image_types images manufacturers messages price_ranges
product_customization_fields product_feature_values product_features product_suppliers search shop_urls
specific_price_rules specific_prices stock_movement_reasons stock_movements stocks stores suppliers tags
translated_configurations warehouses weight_ranges
"""

DEFAULTS: dict[str, Any] = {
    "i": 0, "b": "0", "d2": "0.00", "d3": "0.000", "d6": "0.000000",
    "t": "0000-00-00 00:00:00", "D": "0000-00-00", "l": "", "": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a resource; `kind` is a key of DEFAULTS."""

    name: str
    kind: str
    required: bool = False
    computed: bool = False
    read_only: bool = False

    @property
    def default(self) -> Any:
        return DEFAULTS[self.kind]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource: its plural `name`, the `node` of one record, its fields in order, its associations."""

    name: str
    node: str
    fields: dict[str, Field] = field(default_factory=dict)
    associations: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    unnamed: set[str] = field(default_factory=set)
    """Associations without fields of their own: on PHP 8, `display=[name[id]]` passes and shows nothing."""

    @property
    def plural(self) -> str:
        """The name of a list of it, which is the resource's own but for two."""
        return {"order_slip": "order_slips", "stock_movements": "stock_mvts"}.get(self.name, self.name)

    @property
    def dated(self) -> set[str]:
        """The fields that may be filtered and sorted only with date=1."""
        return {"date_add", "date_upd"} & set(self.fields)


@cache
def resources(major: int) -> dict[str, Resource]:
    """All resources of one major version of PrestaShop (8 or 9), those without fields included."""
    found: dict[str, Resource] = {}
    for block in re.split(r"\n(?=\w)", TABLE.strip()):
        head, _, body = block.partition("\n")
        name, node = head.split()
        columns, _, linked = body.partition("+ ")
        fields: dict[str, Field] = {}
        for token in columns.split():
            title, _, code = token.partition(":")
            kind, flags = re.fullmatch(r"(d\d|[ibtDl]?)(.*)", code).groups()  # type: ignore[union-attr]
            if ("8" in flags and major != 8) or ("9" in flags and major < 9):
                continue
            read_only = "-" in flags or ("~" in flags and major >= 9)
            fields[title] = Field(title, kind, "!" in flags, "*" in flags, read_only)
        named = re.findall(r"(\w+)/(\w+)\(([^)]*)\)", linked)
        associations = {title: (child, tuple(re.split(r",\s*", inner or "id"))) for title, child, inner in named}
        found[name] = Resource(name, node, fields, associations, {title for title, _, inner in named if not inner})
    for name in OTHERS.split():
        found[name] = Resource(name, name.removesuffix("s"))
    return dict(sorted(found.items()))
