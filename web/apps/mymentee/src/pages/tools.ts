/** Pages that a mentor opens now and then, which come together when one of them is wanted. */

export { AttendancePage } from './attendance.tsx';
export { KeysPage } from './keys.tsx';
export { NewWebhookPage, WebhookPage, WebhooksPage } from './webhooks.tsx';
