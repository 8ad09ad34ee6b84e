using System.CommandLine;
using System.Text;

using ZeroOS.Bus.Keys;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos key: identities.</summary>
internal static class KeyVerbs
{
    private static readonly Option<bool> s_locked = new("--passphrase") { Description = "protect the key with a passphrase (asked, or ZOS_PASSPHRASE)" };

    public static Command Build(Terminal terminal)
    {
        Command key = new("key", "Manage your key. It is your account on every node.");
        Command make = new("new", "Create a key; an existing one is never overwritten.") { s_locked };
        Session.Set(make, terminal, (session, parsed) =>
        {
            using IdentityKey identity = IdentityKey.Generate();
            KeyFile.Create(session.KeyPath(), identity, Passphrase(session, parsed));
            terminal.Error.WriteLine(
                $"Made {session.KeyPath()}; keep a copy of it where you keep your papers. Send your key id to the farmer who shall grant you room:");
            terminal.Out.WriteLine(identity.Id);
            return Task.FromResult(0);
        });
        Command show = new("show", "Print your key id.");
        Session.Set(show, terminal, (session, _) =>
        {
            terminal.Out.WriteLine(session.Key().Id);
            return Task.FromResult(0);
        });
        Command export = new("export", "Print the key file for a backup. Whoever has it can act as you.") { s_locked };
        Session.Set(export, terminal, (session, parsed) =>
        {
            terminal.Out.Write(Encoding.UTF8.GetString(KeyFile.Encode(session.Key(), Passphrase(session, parsed))));
            return Task.FromResult(0);
        });
        Argument<string> file = new("FILE") { Description = "key file; \"-\" reads standard input" };
        Command import = new("import", "Import a key from a backup; an existing one is never overwritten.") { file, s_locked };
        Session.Set(import, terminal, (session, parsed) =>
        {
            string path = parsed.GetRequiredValue(file);
            using IdentityKey identity = path == "-"
                ? KeyFile.Decode(Encoding.UTF8.GetBytes(Console.In.ReadToEnd()), "standard input", session.AskPassphrase)
                : KeyFile.Open(path, session.AskPassphrase);
            KeyFile.Create(session.KeyPath(), identity, Passphrase(session, parsed));
            terminal.Out.WriteLine(identity.Id);
            return Task.FromResult(0);
        });
        foreach (Command verb in new[] { make, show, export, import })
            key.Add(verb);
        return key;
    }

    private static string? Passphrase(Session session, ParseResult parsed) => parsed.GetValue(s_locked) ? session.AskPassphrase() : null;
}
