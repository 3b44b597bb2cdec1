/** What we use of the library: a tenth of it. The package has this file as one bundle. */
export { default as MailComposer } from 'nodemailer/lib/mail-composer'
export { default as SMTPConnection } from 'nodemailer/lib/smtp-connection'
