"""The first schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('heartbeat',
    sa.Column('name', sa.String(length=128), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('at', sa.DateTime(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_heartbeat'))
    )
    op.create_table('role',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_role')),
    sa.UniqueConstraint('name', name=op.f('uq_role_name'))
    )
    op.create_table('store',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('key', sa.String(length=32), nullable=False),
    sa.Column('ps_url', sa.String(length=255), nullable=False),
    sa.Column('ps_key', sa.String(), nullable=False),
    sa.Column('odoo_url', sa.String(length=255), nullable=False),
    sa.Column('odoo_db', sa.String(length=255), nullable=False),
    sa.Column('odoo_login', sa.String(length=255), nullable=False),
    sa.Column('odoo_key', sa.String(), nullable=False),
    sa.Column('choices', sa.JSON(), nullable=False),
    sa.Column('odoo_profile', sa.JSON(), nullable=True),
    sa.Column('shop_profile', sa.JSON(), nullable=True),
    sa.Column('notes', sa.JSON(), nullable=False),
    sa.Column('is_demo', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.Column('cron_at', sa.DateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_store')),
    sa.UniqueConstraint('key', name=op.f('uq_store_key')),
    sa.UniqueConstraint('name', name=op.f('uq_store_name'))
    )
    op.create_table('throttle',
    sa.Column('key', sa.String(length=128), nullable=False),
    sa.Column('tokens', sa.Double(), nullable=False),
    sa.Column('updated_at', sa.DateTime(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_throttle'))
    )
    op.create_table('user',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('email', sa.String(length=255), nullable=False),
    sa.Column('password', sa.String(length=255), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('fs_uniquifier', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user')),
    sa.UniqueConstraint('email', name=op.f('uq_user_email')),
    sa.UniqueConstraint('fs_uniquifier', name=op.f('uq_user_fs_uniquifier'))
    )
    op.create_table('circuit',
    sa.Column('store_id', sa.Integer(), nullable=False),
    sa.Column('side', sa.String(length=8), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('remedy', sa.Text(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('since', sa.DateTime(), nullable=False),
    sa.Column('probe_at', sa.DateTime(), nullable=True),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], name=op.f('fk_circuit_store_id_store'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('store_id', 'side', name=op.f('pk_circuit'))
    )
    op.create_table('initial_run',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('store_id', sa.Integer(), nullable=False),
    sa.Column('entity', sa.String(length=32), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('cursor', sa.String(length=64), nullable=False),
    sa.Column('noticed', sa.Integer(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.Column('updated_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], name=op.f('fk_initial_run_store_id_store'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_initial_run'))
    )
    with op.batch_alter_table('initial_run', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_initial_run_store_id'), ['store_id'], unique=False)

    op.create_table('log_entry',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('store_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(), nullable=False),
    sa.Column('level', sa.String(length=8), nullable=False),
    sa.Column('entity', sa.String(length=32), nullable=False),
    sa.Column('record', sa.String(length=64), nullable=False),
    sa.Column('job_id', sa.BigInteger(), nullable=True),
    sa.Column('dry_run', sa.Boolean(), nullable=False),
    sa.Column('actor', sa.String(length=255), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], name=op.f('fk_log_entry_store_id_store'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_entry'))
    )
    with op.batch_alter_table('log_entry', schema=None) as batch_op:
        batch_op.create_index('ix_log_entry_store', ['store_id', 'id'], unique=False)

    op.create_table('mapping',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('store_id', sa.Integer(), nullable=False),
    sa.Column('target', sa.String(length=511), nullable=False),
    sa.Column('entity', sa.String(length=32), nullable=False),
    sa.Column('shop_id', sa.String(length=64), nullable=False),
    sa.Column('odoo_id', sa.BigInteger(), nullable=False),
    sa.Column('base', sa.JSON(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.Column('updated_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], name=op.f('fk_mapping_store_id_store'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mapping'))
    )
    with op.batch_alter_table('mapping', schema=None) as batch_op:
        batch_op.create_index('ix_mapping_odoo', ['store_id', 'target', 'entity', 'odoo_id'], unique=False)
        batch_op.create_index('uq_mapping_shop', ['store_id', 'target', 'entity', 'shop_id'], unique=True)

    op.create_table('store_member',
    sa.Column('store_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], name=op.f('fk_store_member_store_id_store'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_store_member_user_id_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('store_id', 'user_id', name=op.f('pk_store_member'))
    )
    op.create_table('token',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('store_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.Column('expires_at', sa.DateTime(), nullable=True),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], name=op.f('fk_token_store_id_store'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_token')),
    sa.UniqueConstraint('digest', name=op.f('uq_token_digest'))
    )
    with op.batch_alter_table('token', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_token_store_id'), ['store_id'], unique=False)

    op.create_table('user_role',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('role_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['role_id'], ['role.id'], name=op.f('fk_user_role_role_id_role'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_user_role_user_id_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'role_id', name=op.f('pk_user_role'))
    )
    op.create_table('sync_job',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('store_id', sa.Integer(), nullable=False),
    sa.Column('entity', sa.String(length=32), nullable=False),
    sa.Column('direction', sa.String(length=12), nullable=False),
    sa.Column('record', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('rehearsed', sa.Integer(), nullable=False),
    sa.Column('bulk', sa.Boolean(), nullable=False),
    sa.Column('source', sa.String(length=16), nullable=False),
    sa.Column('hint', sa.JSON(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('deferrals', sa.Integer(), nullable=False),
    sa.Column('lost_leases', sa.Integer(), nullable=False),
    sa.Column('uncertain', sa.Boolean(), nullable=False),
    sa.Column('due_at', sa.DateTime(), nullable=False),
    sa.Column('queued_at', sa.DateTime(), nullable=True),
    sa.Column('lease', sa.String(length=32), nullable=True),
    sa.Column('lease_until', sa.DateTime(), nullable=True),
    sa.Column('cause', sa.String(length=128), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('remedy', sa.Text(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.Column('updated_at', sa.DateTime(), nullable=False),
    sa.Column('finished_at', sa.DateTime(), nullable=True),
    sa.ForeignKeyConstraint(['run_id'], ['initial_run.id'], name=op.f('fk_sync_job_run_id_initial_run'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['store_id'], ['store.id'], name=op.f('fk_sync_job_store_id_store'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sync_job'))
    )
    with op.batch_alter_table('sync_job', schema=None) as batch_op:
        batch_op.create_index('ix_sync_job_due', ['due_at', 'bulk', 'id'], unique=False, sqlite_where=sa.text("state IN ('pending','error')"), postgresql_where=sa.text("state IN ('pending','error')"))
        batch_op.create_index('ix_sync_job_record', ['store_id', 'entity', 'record', 'id'], unique=False)
        batch_op.create_index('ix_sync_job_run', ['run_id', 'state'], unique=False)
        batch_op.create_index('ix_sync_job_state', ['store_id', 'state', 'id'], unique=False)
        batch_op.create_index('uq_sync_job_running', ['store_id', 'entity', 'direction', 'record'], unique=True, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))
        batch_op.create_index('uq_sync_job_waiting', ['store_id', 'entity', 'direction', 'record'], unique=True, sqlite_where=sa.text("state IN ('pending','error','blocked')"), postgresql_where=sa.text("state IN ('pending','error','blocked')"))

    op.create_table('dependency',
    sa.Column('job_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('entity', sa.String(length=32), nullable=False),
    sa.Column('record', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['sync_job.id'], name=op.f('fk_dependency_job_id_sync_job'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('job_id', 'entity', 'record', name=op.f('pk_dependency'))
    )
    with op.batch_alter_table('dependency', schema=None) as batch_op:
        batch_op.create_index('ix_dependency_record', ['entity', 'record'], unique=False)

    op.create_table('job_event',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('job_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=True),
    sa.ForeignKeyConstraint(['job_id'], ['sync_job.id'], name=op.f('fk_job_event_job_id_sync_job'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job_event'))
    )
    with op.batch_alter_table('job_event', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_job_event_job_id'), ['job_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('job_event', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_job_event_job_id'))

    op.drop_table('job_event')
    with op.batch_alter_table('dependency', schema=None) as batch_op:
        batch_op.drop_index('ix_dependency_record')

    op.drop_table('dependency')
    with op.batch_alter_table('sync_job', schema=None) as batch_op:
        batch_op.drop_index('uq_sync_job_waiting', sqlite_where=sa.text("state IN ('pending','error','blocked')"), postgresql_where=sa.text("state IN ('pending','error','blocked')"))
        batch_op.drop_index('uq_sync_job_running', sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))
        batch_op.drop_index('ix_sync_job_state')
        batch_op.drop_index('ix_sync_job_run')
        batch_op.drop_index('ix_sync_job_record')
        batch_op.drop_index('ix_sync_job_due', sqlite_where=sa.text("state IN ('pending','error')"), postgresql_where=sa.text("state IN ('pending','error')"))

    op.drop_table('sync_job')
    op.drop_table('user_role')
    with op.batch_alter_table('token', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_token_store_id'))

    op.drop_table('token')
    op.drop_table('store_member')
    with op.batch_alter_table('mapping', schema=None) as batch_op:
        batch_op.drop_index('uq_mapping_shop')
        batch_op.drop_index('ix_mapping_odoo')

    op.drop_table('mapping')
    with op.batch_alter_table('log_entry', schema=None) as batch_op:
        batch_op.drop_index('ix_log_entry_store')

    op.drop_table('log_entry')
    with op.batch_alter_table('initial_run', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_initial_run_store_id'))

    op.drop_table('initial_run')
    op.drop_table('circuit')
    op.drop_table('user')
    op.drop_table('throttle')
    op.drop_table('store')
    op.drop_table('role')
    op.drop_table('heartbeat')
