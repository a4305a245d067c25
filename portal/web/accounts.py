"""People who may log in: adding them and their passwords, for the pages and the command line."""

from __future__ import annotations

import secrets

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from flask_security.utils import hash_password
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.config import Config
from portal.models import Role, User
from portal.web.auth import LONGEST_PASSWORD, SHORTEST_PASSWORD


class AccountError(ValueError):
    """What is wrong with an e-mail address or a password; the message names the remedy. `field` is the form's."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def clean_email(text: str) -> str:
    """The address in its normal form; raises `AccountError`."""
    try:
        return validate_email(text.strip(), check_deliverability=False, globally_deliverable=False).normalized.lower()
    except EmailNotValidError:
        raise AccountError("email", _("This is not an e-mail address. Enter it as name@example.com.")) from None


def check_password(password: str) -> None:
    """Raises `AccountError` where the password is too short or too long."""
    if len(password) < SHORTEST_PASSWORD:
        raise AccountError("password", _("The password is too short. Use at least %(number)s characters.",
                                         number=SHORTEST_PASSWORD))
    if len(password) > LONGEST_PASSWORD:
        raise AccountError("password", _("The password is too long. Use at most %(number)s characters.", number=LONGEST_PASSWORD))


def create_user(session: Session, email: str, password: str | None, *, admin: bool) -> User:
    """A new user; without a password they cannot log in until they used their link. Needs an application context."""
    address = clean_email(email)
    if password is not None:
        check_password(password)
    if session.scalar(select(User.id).where(func.lower(User.email) == address)):
        raise AccountError("email", _("%(address)s exists already.", address=address))
    user = User(email=address, password=None if password is None else hash_password(password), active=True,
                fs_uniquifier=secrets.token_hex(32))
    if admin:
        user.roles.append(admin_role(session))
    session.add(user)
    session.flush()
    return user


def set_password(user: User, password: str) -> None:
    """Give a user a password and end their sessions. Needs an application context."""
    check_password(password)
    user.password = hash_password(password)
    user.fs_uniquifier = secrets.token_hex(32)


def admin_role(session: Session) -> Role:
    """The role of administrators, made when it is first needed."""
    role = session.scalars(select(Role).where(Role.name == "admin")).first()
    if role is None:
        role = Role(name="admin")
        session.add(role)
        session.flush()
    return role


def add_user(config: Config, email: str, password: str, *, admin: bool = False) -> None:
    """Add a user from the command line; raises `AccountError`."""
    from portal import create_app
    from portal.extensions import services

    with create_app(config).app_context(), services().db.begin() as session:
        create_user(session, email, password, admin=admin)
