"""Pages stay quick: activity by the hour, words to search by, paused runs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('activity',
    sa.Column('store_id', sa.Integer(), nullable=False),
    sa.Column('entity', sa.String(length=32), nullable=False),
    sa.Column('direction', sa.String(length=12), nullable=False),
    sa.Column('hour', sa.DateTime(), nullable=False),
    sa.Column('synced', sa.Integer(), nullable=False),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.Column('dead', sa.Integer(), nullable=False),
    sa.Column('last_synced_at', sa.DateTime(), nullable=True),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], name=op.f('fk_activity_store_id_store'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('store_id', 'entity', 'direction', 'hour', name=op.f('pk_activity'))
    )
    op.create_table('search_word',
    sa.Column('store_id', sa.Integer(), nullable=False),
    sa.Column('word', sa.String(length=128).with_variant(sa.String(length=128, collation='C'), 'postgresql'), nullable=False),
    sa.Column('entity', sa.String(length=32), nullable=False),
    sa.Column('record', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], name=op.f('fk_search_word_store_id_store'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('store_id', 'word', 'entity', 'record', name=op.f('pk_search_word'))
    )
    with op.batch_alter_table('search_word', schema=None) as batch_op:
        batch_op.create_index('ix_search_word_record', ['store_id', 'entity', 'record'], unique=False)

    with op.batch_alter_table('initial_run', schema=None) as batch_op:
        batch_op.add_column(sa.Column('paused_at', sa.DateTime(), nullable=True))

    with op.batch_alter_table('log_entry', schema=None) as batch_op:
        batch_op.add_column(sa.Column('direction', sa.String(length=12), nullable=False, server_default=''))

    with op.batch_alter_table('sync_job', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sync_job_run'))
        batch_op.create_index('ix_sync_job_run', ['run_id', 'state', 'finished_at'], unique=False)
        batch_op.create_index('ix_sync_job_unfinished', ['store_id', 'state', 'entity'], unique=False, sqlite_where=sa.text("state IN ('pending','error','blocked','running','dead')"), postgresql_where=sa.text("state IN ('pending','error','blocked','running','dead')"))



def downgrade() -> None:
    with op.batch_alter_table('sync_job', schema=None) as batch_op:
        batch_op.drop_index('ix_sync_job_unfinished', sqlite_where=sa.text("state IN ('pending','error','blocked','running','dead')"), postgresql_where=sa.text("state IN ('pending','error','blocked','running','dead')"))
        batch_op.drop_index('ix_sync_job_run')
        batch_op.create_index(batch_op.f('ix_sync_job_run'), ['run_id', 'state'], unique=False)

    with op.batch_alter_table('log_entry', schema=None) as batch_op:
        batch_op.drop_column('direction')

    with op.batch_alter_table('initial_run', schema=None) as batch_op:
        batch_op.drop_column('paused_at')

    with op.batch_alter_table('search_word', schema=None) as batch_op:
        batch_op.drop_index('ix_search_word_record')

    op.drop_table('search_word')
    op.drop_table('activity')
