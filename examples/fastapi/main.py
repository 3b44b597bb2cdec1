"""Orders: a small API that stands behind Porchlight at /api/orders."""

from datetime import UTC, datetime
from threading import Lock
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, HTTPException, status
from pydantic import BaseModel, Field

from auth import CurrentUser, require_role

app = FastAPI(title="Orders")


class NewOrder(BaseModel, extra="forbid"):
    item: str = Field(min_length=1, max_length=200)
    quantity: int = Field(default=1, ge=1, le=1000)


class Order(NewOrder):
    id: UUID
    ordered_at: datetime


# Stands in for a database: orders by the id of whoever made them.
orders: dict[str, list[Order]] = {}
orders_lock = Lock()
MAX_ORDERS_EACH = 1000


@app.get("/orders")
def list_orders(user: CurrentUser) -> list[Order]:
    with orders_lock:
        return list(orders.get(user.id, []))


@app.post("/orders", status_code=status.HTTP_201_CREATED)
def create_order(new: NewOrder, user: CurrentUser) -> Order:
    order = Order(id=uuid4(), ordered_at=datetime.now(UTC), **new.model_dump())
    with orders_lock:
        mine = orders.setdefault(user.id, [])
        if len(mine) >= MAX_ORDERS_EACH:
            raise HTTPException(status.HTTP_409_CONFLICT, "There is no room for another order.")
        mine.append(order)
    return order


@app.get("/orders/everyone", dependencies=[Depends(require_role("admin"))])
def list_everyones_orders() -> dict[str, list[Order]]:
    with orders_lock:
        return {user_id: list(of_user) for user_id, of_user in orders.items()}


@app.get("/healthz")
def health() -> dict[str, bool]:
    """Without a token: says only that the process lives."""
    return {"ok": True}
