/**
 * The node as a service: a hardened systemd unit, and messages to the service manager.
 *
 * @example
 * import { systemdUnit } from '@x0t/node/install'
 * systemdUnit({ program: '/opt/x0t/bin/x0t', user: 'dynamic', home: '/var/lib/x0t' })
 */
export { installService, type Installed, type InstallHost, type InstallOptions } from './install-service.ts'
export { serviceManager, type ServiceManager } from './sd-notify.ts'
export { systemInstallHost } from './system-host.ts'
export { systemdUnit, type UnitOptions } from './systemd-unit.ts'
