/** What an engine does not need for a page's first screen: one script of the page, fetched beside it. */
export { History } from "./history.ts";
export { RoomOrders } from "./room_orders.ts";
