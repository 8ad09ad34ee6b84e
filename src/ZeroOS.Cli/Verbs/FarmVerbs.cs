using System.CommandLine;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client.Config;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos farm: the settings a node is booted with.</summary>
internal static class FarmVerbs
{
    public static Command Build(Terminal terminal)
    {
        Command farm = new("farm", "Manage farm settings: who owns a node and which registries it may use.");
        farm.Add(New(terminal));
        farm.Add(FarmNextVerb.Build(terminal));
        farm.Add(Sign(terminal));
        farm.Add(Inspect(terminal));
        return farm;
    }

    private static Command New(Terminal terminal)
    {
        Option<string[]> owners = new("--owner")
        {
            HelpName = "KEYID",
            Required = true,
            Description = "key id of an owner; may be repeated, and every owner must sign"
        };
        Option<string> name = new("--name") { DefaultValueFactory = _ => "farm", Description = "name of the farm, shown to people" };
        Option<int> threshold = new("--threshold") { DefaultValueFactory = _ => 1, Description = "number of owners who must sign a change of the farm" };
        Option<string[]> time = new("--time-server") { HelpName = "HOST", Description = "SNTP server; may be repeated" };
        Option<string?> channel = new("--channel") { Description = "release channel of its nodes (default: stable)" };
        Option<string> output = new("-o", "--output") { HelpName = "FILE", Required = true, Description = "file to write the settings to" };
        Command command = new("new",
            "Write farm settings signed by your key, and print the recovery key. List each registry as nodes reach it: --registry NAME=URL[,plain].")
        {
            owners, name, threshold, time, channel, output,
        };
        Session.Set(command, terminal, (session, parsed) =>
        {
            byte[] seed = Crypto.Random(Crypto.KeyBytes);
            FarmSettings settings = new()
            {
                FarmId = Guid.CreateVersion7().ToString(),
                Version = 1,
                Name = parsed.GetValue(name)!,
                Owners = [.. parsed.GetRequiredValue(owners).Distinct()],
                Threshold = parsed.GetValue(threshold),
                RecoverySigningKey = RecoveryKey.SigningKey(seed).Text,
                RecoveryEncryptionKey = RecoveryKey.EncryptionKey(seed),
                Registries = (parsed.GetValue(Globals.Registry) ?? []).Select(Registries.ParseOption).ToDictionary(r => r.Name, r => r.Registry),
                TimeServers = parsed.GetValue(time) ?? [],
                Channel = parsed.GetValue(channel),
            };
            IdentityKey key = session.Key();
            if (!settings.Owners.Contains(key.Id.Text))
                throw new CliException($"your key {key.Id} is not among the owners; the settings are signed by owners only (zos farm sign adds the others)");
            byte[] document = FarmDocument.Sign(settings, key);
            bool complete = FarmDocument.TryVerify(document, out _, out string? fault);
            if (!FarmDocument.TryInspect(document, out _, out _, out string? wrong))
                throw new CliException($"these settings make no sense: {wrong}", CliException.Usage);
            string path = parsed.GetRequiredValue(output);
            using (FileStream file = new(path, FileMode.CreateNew, FileAccess.Write))
                file.Write(document);
            terminal.Error.WriteLine(complete
                ? $"Wrote {path}. Print the recovery key below and keep it offline: it gives a node with a new mainboard its identity back, "
                    + "and can name new owners when all keys are lost."
                : $"Wrote {path}, not complete yet: {fault}. Print the recovery key below and keep it offline.");
            terminal.Out.WriteLine(Base58.Encode(seed));
            return Task.FromResult(0);
        });
        return command;
    }

    private static Command Sign(Terminal terminal)
    {
        Argument<string> file = new("FILE") { Description = "farm settings written by zos farm new or zos farm next" };
        Option<bool> former = new("--former") { Description = "sign as an owner of the version before, who is none any more" };
        Option<string?> recovery = new("--recovery-key") { HelpName = "FILE|-", Description = "sign with the farm's recovery key instead of yours" };
        Command command = new("sign", "Add your signature to settings that another owner wrote.") { file, former, recovery };
        Session.Set(command, terminal, (session, parsed) =>
        {
            string path = parsed.GetRequiredValue(file);
            using IdentityKey? recoveryKey = parsed.GetValue(recovery) is { } source ? IdentityKey.FromSeed(RecoveryKeyFile.Read(session, source)) : null;
            byte[] document = FarmDocument.AddSignature(File.ReadAllBytes(path), recoveryKey ?? session.Key(), parsed.GetValue(former));
            File.WriteAllBytes(path + ".new", document);
            File.Move(path + ".new", path, overwrite: true);
            terminal.Error.WriteLine(FarmDocument.TryVerify(document, out _, out string? fault)
                ? $"{path} is complete." : $"{path} is not complete yet: {fault}.");
            return Task.FromResult(0);
        });
        return command;
    }

    private static Command Inspect(Terminal terminal)
    {
        Argument<string> file = new("FILE") { Description = "farm settings written by zos farm new" };
        Command command = new("inspect", "Show farm settings and their signatures.") { file };
        Session.Set(command, terminal, (session, parsed) =>
        {
            byte[] document = File.ReadAllBytes(parsed.GetRequiredValue(file));
            if (!FarmDocument.TryInspect(document, out FarmSettings? settings, out IReadOnlyList<string> signers, out string? fault))
                throw new CliException($"{parsed.GetRequiredValue(file)}: {fault}");
            bool complete = FarmDocument.TryVerify(document, out _, out string? missing);
            if (session.Json)
            {
                session.WriteJson(settings, BusJson.Default.FarmSettings);
                return Task.FromResult(complete ? 0 : CliException.Refused);
            }
            TextWriter o = terminal.Out;
            o.WriteLine($"farm      {Terminal.Clean(settings.Name)} ({settings.FarmId}), version {settings.Version}"
                + $"{(settings.RecoveryGeneration == 0 ? "" : $", recovery generation {settings.RecoveryGeneration}")}");
            foreach (string owner in settings.Owners)
                o.WriteLine($"owner     {owner}{(signers.Contains(owner) ? "" : "  has not signed")}");
            foreach (string other in signers.Where(s => !settings.Owners.Contains(s)))
                o.WriteLine($"signed    {other}  {(other == settings.RecoverySigningKey ? "the recovery key" : "no owner of this version")}");
            o.WriteLine($"threshold {settings.Threshold}");
            o.WriteLine($"recovery  {settings.RecoverySigningKey}");
            foreach ((string name, FarmRegistry registry) in settings.Registries)
                o.WriteLine($"registry  {Terminal.Clean(name)} = {Terminal.Clean(registry.Url)}{(registry.PlainHttp ? " (plain HTTP)" : "")}");
            foreach (string server in settings.TimeServers)
                o.WriteLine($"time      {Terminal.Clean(server)}");
            if (settings.Channel is { } channel)
                o.WriteLine($"channel   {Terminal.Clean(channel)}");
            o.WriteLine(complete ? "complete" : $"incomplete: {missing}");
            return Task.FromResult(complete ? 0 : CliException.Refused);
        });
        return command;
    }
}
