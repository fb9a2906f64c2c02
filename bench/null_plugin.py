"""A handler that does nothing, for the Python servant: what remains is the servant's own cost."""

from dynos_client.action import Action
from dynos_warehouse.warehouse import move


class Null:
    @Action(transition=move)
    def nothing(self, params, ctx):
        return {"success": True}

    @classmethod
    def register(cls, orchestrator, cli):
        orchestrator.register_class(cls)

    @classmethod
    def get_start_state(cls, cli):
        return []
