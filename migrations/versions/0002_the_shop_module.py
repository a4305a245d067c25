"""the shop module"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('hook_seen',
    sa.Column('store_id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], name=op.f('fk_hook_seen_store_id_store'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('store_id', 'digest', name=op.f('pk_hook_seen'))
    )
    with op.batch_alter_table('hook_seen', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hook_seen_at'), ['at'], unique=False)

    op.create_table('shop_module',
    sa.Column('store_id', sa.Integer(), nullable=False),
    sa.Column('heard_at', sa.DateTime(), nullable=False),
    sa.Column('version', sa.String(length=32), nullable=False),
    sa.Column('shop_version', sa.String(length=32), nullable=False),
    sa.Column('backlog', sa.BigInteger(), nullable=False),
    sa.Column('rescan', sa.String(length=16), nullable=False),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], name=op.f('fk_shop_module_store_id_store'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('store_id', name=op.f('pk_shop_module'))
    )


def downgrade() -> None:
    op.drop_table('shop_module')
    with op.batch_alter_table('hook_seen', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_hook_seen_at'))

    op.drop_table('hook_seen')
