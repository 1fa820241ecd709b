/** The pages of operators, which come together when one of them is wanted: mentors never load them. */

export { UsersPage } from './operator.tsx';
export { AuditPage } from './operator-audit.tsx';
export { UserPage } from './operator-user.tsx';
