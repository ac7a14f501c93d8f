"""Where each operation runs, with several gateways on one database.

    HERE      on the machine that it is asked on: it is about its files, its gateway, or the outside world
    STORE     wherever it is asked: it reads or changes only what all of them share
    OWNER     on the node that runs its accounts, which is asked over the store

Requests of OWNER are written into the store, so none of them carries a secret.
"""

from __future__ import annotations

from enum import StrEnum


class Reach(StrEnum):
    HERE = "here"
    STORE = "store"
    OWNER = "owner"


_HERE = """
agents.agents agents.ask audit.audit backup.back_up cast.gather cast.introduce cast.write
config.apply config.get config.validate config_edit.set config_edit.unset config_import.bring
config_schema.schema config_standing.stand config_values.values console.link console.sign_out
doctor.check_up importing.bring importing.finish importing.look mending.fix plugins.info plugins.install
plugins.listing plugins.switch plugins.uninstall process.get process.restart process.stop restore.read
restore.restore rules_from.compare setup.look setup.propose setup.write setup_draft.drafted
setup_draft.drop_draft setup_draft.keep_draft store.copies store.holdings store.reset store.rollback
store_info.info store_moving.copy_store store_moving.migrate store_moving.undo_move support_bundle.collect
uninstall.pieces uninstall.uninstall webhooks.tested
"""

_STORE = """
accounts.channel_names accounts.find_account accounts.find_channel alarms.alarms alarms.show alerts.listed
audit_log.export audit_log.show audit_log.verify audit_log.verify_export capabilities.describe
channel_list.channels cluster.drain cluster.move cluster.standing conversations.conversations
conversations.read drafts.show drafts.waiting events.events export.person login.accept messages.dead_letters
messages.outbox messages.sent pairing.approvals pairing.rejections pairing.requests policy.explain recall.find
session.show sessions.listed sessions.show upgrade.show verification.challenges verification.reports
webhooks.dropped webhooks.listed webhooks.retried why.why
"""

_OWNER = """
alarms.acknowledge alerts.dropped alerts.retried alerts.tested attachments.fetch callback.called_back
capabilities.switch client_sends.react client_sends.send debug.debug directory.groups directory.members
directory.peers directory.self_ directory_export.export drafts.approve drafts.drop drafts.edit drafts.revive
forget.forget login.log_in login.log_out message.outcome message.react message.send message.undo
messages.arrived messages.drop messages.drop_dead_letter messages.resend messages.resubmit pacing.pacing
pairing.approve pairing.reject pairing.revoke pairing.unblock pause.pause pause.pauses pause.resume
recall.recall revoking.revoke running.start running.stop sessions.reset status.status upgrade.accept
verification.evidence verification.facts verification.fetched verification.look_up verification.reconnect
verification.record
"""

REACH = {
    name: reach
    for reach, names in ((Reach.HERE, _HERE), (Reach.STORE, _STORE), (Reach.OWNER, _OWNER))
    for name in names.split()
}
"""The reach of every operation by its name."""
