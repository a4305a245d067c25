"""Pictures of the pages in each state into docs/screenshots: `make screenshots`, or with another folder, and `png`, as words.

A portal with a worker runs on the bundled sandbox; what the pictures show has really happened to it.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page
from sqlalchemy import select

from portal import crypto
from portal.models import DriftRun, InitialRun, Mapping, Rehearsal, Store
from portal.sandbox.prestashop_actions import edit_product
from portal.sandbox.prestashop_install import both
from portal.sandbox.prestashop_orders import place_order
from portal.sync import bounces, drift, initial, jobs, rehearsal, stores
from tests.conftest import SECRET, open_chromium, queue_server
from tests.ui.house import House, open_house
from tests.ui.person import logged_in, somebody
from tests.ui.test_journeys import die, disagree
from tests.world import World, eventually

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
WIDE, NARROW, HIGHEST = 1280, 360, 1100
PACK = """([source, form]) => new Promise(done => {
  const picture = new Image();
  picture.onload = () => {
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext("2d").drawImage(picture, 0, 0);
    canvas.convertToBlob({type: form, quality: 0.65}).then(blob => {
      const reader = new FileReader();
      reader.onload = () => done(reader.result);
      reader.readAsDataURL(blob);
    });
  };
  picture.src = source;
})"""
"""The browser packs the pictures; WebP needs a quarter of PNG."""
ENTITIES = ("customer", "product", "stock", "order")
BOUNCES = 5
KEY_PAGES = frozenset({"dashboard-good", "dead-letters", "record-order", "initial-busy"})
"""Those that are also shown dark and on a telephone."""


class Camera:
    """Takes a page under a name; a key page in dark and narrow as well."""

    def __init__(self, chromium: Browser, house: House, folder: Path, form: str, *, guest: bool = False) -> None:
        self._house = house
        self._folder = folder
        self._form = form
        self._workshop: Page = chromium.new_page()
        calm = {"reduced_motion": "reduce"}
        self._page: Page = (somebody(chromium, "mouse", **calm) if guest else logged_in(chromium, house, **calm)).page
        self.taken: list[Path] = []

    def take(self, name: str, path: str) -> None:
        """The page as far down as a person looks at first."""
        self._page.set_viewport_size({"width": WIDE, "height": 900})
        self._page.emulate_media(color_scheme="light")
        answer = self._page.goto(self._house.url + path)
        assert answer is not None
        assert answer.ok, (path, answer.status)
        self._shoot(name)
        if name in KEY_PAGES:
            self._page.emulate_media(color_scheme="dark")
            self._shoot(f"{name}-dark")
            self._page.emulate_media(color_scheme="light")
            self._page.set_viewport_size({"width": NARROW, "height": 760})
            self._shoot(f"{name}-narrow")

    def take_refused(self, name: str, path: str, form: str, values: dict[str, str]) -> None:
        """A form with what is wrong with it."""
        self._page.goto(self._house.url + path)
        for field, value in values.items():
            self._page.fill(f"#{field}", value)
        with self._page.expect_response(lambda answer: answer.request.method == "POST" and answer.status == 422):
            self._page.locator(f"{form} button[type=submit]:not([formaction])").last.click()
        self._page.locator(f"{form} .problem:not(:empty)").first.wait_for()
        self._shoot(name)

    def speak(self, language: str) -> None:
        """Choose the language at the foot of the page."""
        self._page.get_by_role("button", name=language).click()
        self._page.wait_for_load_state()

    def _shoot(self, name: str) -> None:
        size = self._page.viewport_size
        assert size is not None
        height = self._page.evaluate("Math.ceil(document.body.getBoundingClientRect().height)")
        self._page.set_viewport_size({"width": size["width"], "height": min(max(height, 500), HIGHEST)})
        picture = base64.b64encode(self._page.screenshot()).decode()
        packed = self._workshop.evaluate(PACK, [f"data:image/png;base64,{picture}", f"image/{self._form}"])
        self.taken.append(self._folder / f"{name}.{self._form}")
        self.taken[-1].write_bytes(base64.b64decode(packed.partition(",")[2]))


def main() -> int:
    """Take every picture; prints their names and sizes."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    form = sys.argv[2] if len(sys.argv) > 2 else "webp"
    folder.mkdir(parents=True, exist_ok=True)
    crypto.use_keys([SECRET])
    with tempfile.TemporaryDirectory(prefix="screenshots-") as name, queue_server(Path(name) / "redis") as queue, \
            open_chromium() as chromium:
        with open_house(Path(name) / "first", queue, admin=False) as house:
            camera = Camera(chromium, house, folder, form, guest=True)
            camera.take("first-admin", house.first_link().removeprefix(house.url))
        taken = camera.taken
        with open_house(Path(name) / "house", queue, admin=True) as house:
            camera = Camera(chromium, house, folder, form, guest=True)
            camera.take("login", "/login")
            taken += camera.taken
            camera = Camera(chromium, house, folder, form)
            of_a_shop(camera, house)
            taken += camera.taken
    for path in taken:
        print(f"{path.name:32} {path.stat().st_size / 1000:6.0f} kB")
    print(f"{sum(path.stat().st_size for path in taken) / 1e6:.2f} MB in {len(taken)} pictures")
    return 0


def of_a_shop(camera: Camera, house: House) -> None:
    """From the first form to the trouble."""
    camera.take("stores-empty", "/stores")
    camera.take("store-new", "/stores/new")
    camera.take_refused("store-new-errors", "/stores/new", "#store-form",
                        {"name": "<Bookshop>", "ps_url": "ftp://shop.example.com", "odoo_db": "prod"})
    world = house.join("Bookshop", enabled=False, order_confirm=True, stock="ps_to_odoo")
    before_the_start(camera, house, world)
    with busy(house, world):
        camera.take("dashboard-busy", here(world, "/"))
        camera.take("initial-busy", here(world, "/initial"))
        camera.take("changes-busy", here(world, "/jobs"))
    in_daily_work(camera, house, world)
    that_need_a_look(camera, house, world)
    in_trouble(camera, house, world)


def before_the_start(camera: Camera, house: House, world: World) -> None:
    """A store that was just added, and the rehearsal."""
    with house.db.begin() as session:
        stores.save_checks(session, session.get_one(Store, world.store.id), *checks(world))
    camera.take("dashboard-first-steps", here(world, "/"))
    for name, path in {"rehearsal": "/rehearsal", "initial": "/initial", "dead-letters": "/dead", "drift": "/drift", "log": "/log",
                       "changes": "/jobs", "mappings": "/mappings", "conflicts": "/conflicts", "taxes": "/taxes",
                       "held": "/held", "frozen": "/frozen", "search": "/search?q=nobody@example.com"}.items():
        camera.take(f"{name}-empty", here(world, path))
    with house.db.begin() as session:
        run = rehearsal.start(session, session.get_one(Store, world.store.id), ENTITIES, "ada@example.com").id
    camera.take("rehearsal-busy", here(world, "/rehearsal"))
    house.beat()
    eventually(lambda: state(house, Rehearsal, run) == "finished", "the rehearsal ends")
    camera.take("rehearsal", here(world, "/rehearsal"))
    camera.take("duplicates", here(world, "/rehearsal/duplicates"))


@contextmanager
def busy(house: House, world: World) -> Iterator[None]:
    """In the middle of an initial sync: Odoo takes its time with the products."""
    world.set(enabled=True)
    world.odoo.faults.arm("hold", side="odoo", model="product.template", method="load", name="slowly", times=0)
    begin(house, world, "customer")
    eventually(lambda: world.counts()["pending"] == 0, "the customers are in Odoo")
    begin(house, world, "product")
    eventually(lambda: len(world.jobs("running")) > 0, "products are on their way")
    yield
    world.odoo.faults.clear()
    world.odoo.faults.release("slowly")
    eventually(lambda: world.counts()["pending"] == 0, "the products are in Odoo")


def in_daily_work(camera: Camera, house: House, world: World) -> None:
    """All is well, apart from what differs."""
    for entity in ("stock", "order"):
        begin(house, world, entity)
        eventually(lambda: world.counts()["pending"] == 0, "it is in Odoo")
    camera.take("dashboard-good", here(world, "/"))
    camera.take("stores", "/stores")
    camera.speak("Français")
    camera.take("dashboard-french", here(world, "/"))
    camera.speak("English")
    with house.db.read() as session:
        link = next(row for row in session.scalars(select(Mapping).where(Mapping.entity == "product"))
                    if row.base["kind"] == "simple")
    world.services.odoo(world.store).write("product.template", [link.odoo_id], {"list_price": 99.0})
    with house.db.begin() as session:
        run = drift.start(session, session.get_one(Store, world.store.id), "ada@example.com").id
    camera.take("drift-busy", here(world, "/drift"))
    house.beat()
    eventually(lambda: state(house, DriftRun, run) == "finished", "the comparison ends")
    for name, path in {
        "drift": "/drift", "record-order": "/records/order/1", "record-product": f"/records/product/{link.shop_id}",
        "ledger": "/orders/1/ledger", "mappings": "/mappings?entity=product", "link-by-hand": "/mappings/link",
        "search": "/search?q=1", "log": "/log", "changes": "/jobs?state=all", "taxes": "/taxes", "alerts": "/alerts",
        "members": "/members", "webhooks": "/webhooks", "settings": "/settings", "initial": "/initial", "store-remove": "/remove",
        "link-forget": f"/mappings/{link.id}/forget",
    }.items():
        camera.take(name, here(world, path))
    camera.take_refused("settings-errors", here(world, "/settings"), "#store-form", {"stock_buffer": "-1", "max_attempts": "0"})
    for name in ("people", "account", "account/password", "verify"):
        camera.take(name.replace("/", "-"), f"/{name}")
    camera.take("person", here(world, "/person"))


def that_need_a_look(camera: Camera, house: House, world: World) -> None:
    """An order whose total nobody can explain, two values of one field, and a name that shop and Odoo each change back."""
    order = place_order(world.shop.shop, 1, [{"product": 1, "quantity": 2}], shipping="5")
    world.shop.shop.tables["orders"].rows[order].update(total_paid="1234.560000", total_paid_tax_incl="1234.560000")
    world.notice("order", order)
    eventually(lambda: world.counts()["pending"] == 0, "the order is a quotation")
    camera.take("held", here(world, "/held"))
    camera.take("ledger-held", here(world, f"/orders/{order}/ledger"))
    world.set(products="both")
    disagree(house, world)
    camera.take("conflicts", here(world, "/conflicts"))
    world.set(bounce_limit=4)
    with house.db.read() as session:
        link = next(row for row in session.scalars(select(Mapping).where(Mapping.entity == "product").order_by(Mapping.id.desc()))
                    if row.base["kind"] == "simple")
    for number in range(BOUNCES):
        edit_product(world.shop.shop, int(link.shop_id), name=both(f"LOUD {number}"))
        world.notice("product", link.shop_id)
        eventually(lambda: settled(house, world), "the shop's name is written")
        world.services.odoo(world.store).write("product.template", [link.odoo_id], {"name": f"soft {number}"})
        with house.db.begin() as session:
            jobs.notice(session, session.get_one(Store, world.store.id), "product", "odoo_to_ps", str(link.odoo_id),
                        source="webhook")
        house.beat()
        eventually(lambda: settled(house, world), "Odoo's name is written")
    camera.take("frozen", here(world, "/frozen"))
    camera.take("record-frozen", here(world, f"/records/product/{link.shop_id}"))


def settled(house: House, world: World) -> bool:
    """Everything is across, or waits with a frozen record."""
    with house.db.read() as session:
        return bounces.count(session, session.get_one(Store, world.store.id)) > 0 or world.counts()["pending"] == 0


def in_trouble(camera: Camera, house: House, world: World) -> None:
    """Dead letters of three causes; then Odoo is away."""
    die(house, world)
    camera.take("dashboard-errors", here(world, "/"))
    camera.take("dead-letters", here(world, "/dead"))
    camera.take("change-dead", here(world, f"/jobs/{world.jobs('dead')[0].id}"))
    camera.take("changes-errors", here(world, "/jobs?state=dead"))
    camera.take("stores-errors", "/stores")
    world.odoo.faults.arm("status", status=503, times=0)
    for number in range(1, 8):
        edit_product(world.shop.shop, number, price=f"{number}23.000000")
        world.notice("product", number)
    eventually(lambda: world.circuit("odoo") == "open", "the outage is noticed")
    camera.take("dashboard-outage", here(world, "/"))
    for name, path in {"initial": "/initial", "changes": "/jobs", "log": "/log?level=warning"}.items():
        camera.take(f"{name}-outage", here(world, path))
    camera.take("stores-outage", "/stores")
    world.odoo.faults.clear()


def begin(house: House, world: World, entity: str) -> None:
    with house.db.begin() as session:
        initial.start(session, session.get_one(Store, world.store.id), entity, "ada@example.com")
    house.beat()
    eventually(lambda: not walking(house, world), f"every {entity} is noticed")


def walking(house: House, world: World) -> bool:
    with house.db.read() as session:
        return session.query(InitialRun).filter_by(store_id=world.store.id, state="reading").count() > 0


def checks(world: World) -> tuple[stores.Check, stores.Check]:
    """What *Test connection* says of both sides."""
    store, config = world.store, world.services.config
    return (stores.check_shop(store.ps_url, store.ps_key, config, settings=store.settings),
            stores.check_odoo(store.odoo_url, store.odoo_db, store.odoo_login, store.odoo_key, config))


def state(house: House, kind: type[Rehearsal] | type[DriftRun], number: int) -> str:
    with house.db.read() as session:
        return session.get_one(kind, number).state


def here(world: World, path: str) -> str:
    return f"/stores/{world.store.id}{path}"


if __name__ == "__main__":
    sys.exit(main())
