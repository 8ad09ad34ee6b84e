using System.CommandLine;

using ZeroOS.Bus.Sessions;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Config;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Oci;
using ZeroOS.Oci.Build;
using ZeroOS.Oci.Registry;

using Session = ZeroOS.Cli.Sessions.Session;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos run: one machine, as Docker users type it.</summary>
internal static class RunVerb
{
    private static readonly string[] s_sources = [PulledImage.Scheme, "oci:", "oci-archive:", "docker-archive:", "rootfs:", "tar:"];

    private static readonly Option<string[]> s_env = new("-e", "--env")
    {
        HelpName = "NAME=VALUE",
        Description = "set a variable; NAME alone takes its value from this computer"
    };
    private static readonly Option<string[]> s_publish = new("-p", "--publish")
    {
        HelpName = "HOST:GUEST[/udp]",
        Description = "publish a machine's port on the node"
    };
    private static readonly Option<string[]> s_volume = new("-v", "--volume")
    {
        HelpName = "NAME:PATH[:ro]",
        Description = "mount a volume, which is kept when the machine is deleted; or copy a small FILE:PATH:ro into the machine"
    };
    private static readonly Option<string> s_volumeSize = new("--volume-size")
    {
        HelpName = "SIZE",
        DefaultValueFactory = _ => "1GiB",
        Description = "size of each new volume"
    };
    private static readonly Option<string?> s_user = new("-u", "--user")
    {
        HelpName = "USER[:GROUP]",
        Description = "run the program as this user (default: the image's)"
    };
    private static readonly Option<string?> s_workdir = new("-w", "--workdir")
    {
        HelpName = "PATH",
        Description = "run the program in this directory (default: the image's)"
    };
    private static readonly Option<string?> s_entrypoint = new("--entrypoint") { HelpName = "PROGRAM", Description = "replace the image's entrypoint" };
    private static readonly Option<string> s_restart = new("--restart")
    {
        HelpName = "no|on-failure|always",
        DefaultValueFactory = _ => "no",
        Description = "restart the program when it ends"
    };
    private static readonly Option<string> s_memory = new("--memory", "-m")
    {
        HelpName = "SIZE",
        DefaultValueFactory = _ => "256MiB",
        Description = "memory of the machine"
    };
    private static readonly Option<string> s_cpus = new("--cpus")
    {
        HelpName = "NUMBER",
        DefaultValueFactory = _ => "1",
        Description = "vCPUs of the machine; 0.5 is half of one's time"
    };
    private static readonly Option<string?> s_name = new("--name") { Description = "name of the deployment (default: made from the image's)" };
    private static readonly Option<bool> s_input = new("-i", "--interactive") { Description = "give the program an input, and send it that of zos" };
    private static readonly Option<bool> s_terminal = new("-t", "--tty") { Description = "give the program a terminal" };
    private static readonly Option<string> s_keys = DetachKeys.Option();
    private static readonly Option<bool> s_proxy = AttachVerb.ProxyOption();
    private static readonly Option<bool> s_detach = new("-d", "--detach") { Description = "return when the machine runs" };
    private static readonly Option<bool> s_remove = new("--rm") { Description = "delete the deployment when its program ends; volumes are kept" };
    private static readonly Argument<string> s_image = new("IMAGE")
    {
        Description = "flist REGISTRY/NAME[:TAG]; or docker://, oci:, docker-archive:, rootfs: or tar: source, which is built and pushed first"
    };
    private static readonly Argument<string[]> s_command = new("COMMAND")
    {
        Arity = ArgumentArity.ZeroOrMore,
        Description = "program and arguments (default: the image's)"
    };

    public static Command Build(Terminal terminal)
    {
        WorkloadCommand command = new("run", "Run one machine in the foreground until its program ends.")
        {
            s_env, s_publish, s_volume, s_volumeSize, s_user, s_workdir, s_entrypoint, s_restart, s_memory, s_cpus, s_name, s_detach,
            s_input, s_terminal, s_keys, s_proxy, s_remove, s_image, s_command,
        };
        foreach (Option option in RunInside.Options)
            command.Add(option);
        HealthOptions.AddTo(command);
        Session.Set(command, terminal, RunAsync, lasting: true);
        return command;
    }

    private static async Task<int> RunAsync(Session session, ParseResult parsed)
    {
        string image = parsed.GetRequiredValue(s_image);
        string name = parsed.GetValue(s_name) ?? RunRequest.NameFor(image);
        RunRequest request = Request(parsed, name);      // all that can be wrong with the words is said before anything is built or sent
        DetachKeys keys = DetachKeys.Parse(parsed.GetValue(s_keys)!);
        if (request is { Tty: true, Stdin: true } && !parsed.GetValue(s_detach) && session.Terminal.Keyboard is null)
        {
            session.Terminal.Complain("-it needs a terminal, and the input of zos is none; leave out -t");
            return CliException.Refused;
        }
        FlistReference flist = s_sources.Any(s => image.StartsWith(s, StringComparison.Ordinal))
            ? await BuildAndPushAsync(session, image, name)
            : new FlistReference { Reference = image, Digest = await FlistResolver.DigestAsync(session.Registries(), image, null, session.Cancellation) };
        NodeClient node = session.Connect();
        int version = await node.VersionAsync(name, session.Cancellation);
        if (version > 0)
            throw new CliException($"you have a deployment \"{name}\" already; delete it (zos delete {name}) or choose another --name");
        await node.ApplyAsync(request.ToDeployment(flist), session.Cancellation);
        using (WaitLines lines = new(session.Terminal, quiet: session.Json))
            await DeploymentWait.UntilRunningAsync(node, name, lines, session.Cancellation);
        if (parsed.GetValue(s_detach))
        {
            session.Terminal.Out.WriteLine(name);
            return 0;
        }
        AttachedStreams? streams = !request.Tty && !request.Stdin ? null : new()
        {
            Machine = new MachineName { Deployment = name, Machine = RunRequest.Machine },
            Input = request.Stdin,
            Keys = keys,
            ProxiesSignals = parsed.GetValue(s_proxy),
        };
        if ((streams is null ? await FollowAsync(session, node, name) : await AttachAsync(session, node, streams)) is not int code)
            return 0;       // the person left
        if (parsed.GetValue(s_remove))
            await node.DeleteAsync(name, [], session.Cancellation);
        return code;
    }

    private static async Task<int?> FollowAsync(Session session, NodeClient node, string name)
    {
        await LogsVerb.CopyAsync(session, node,
            new MachineLogs { Deployment = name, Machine = RunRequest.Machine, Follow = true }); // until it is at rest
        return await DeploymentWait.UntilEndedAsync(node, name, RunRequest.Machine, session.Cancellation) ?? WorkloadCommand.OurFault;
    }

    // A program that is quick has ended by now; its log has what the session would have shown.
    private static async Task<int?> AttachAsync(Session session, NodeClient node, AttachedStreams streams)
    {
        Attachment attached;
        try
        {
            attached = await node.AttachAsync(streams.Machine, new AttachBegin { FromStart = true }, session.Cancellation);
        }
        catch (Exception e) when (e is BusErrorException { Error.Code: ErrorCodes.Conflict }
            or SessionException { Reason: SessionCloseReason.Refused or SessionCloseReason.MachineEnded })
        {
            return await FollowAsync(session, node, streams.Machine.Deployment);
        }
        await using (attached)
        {
            if (attached.Program.Skipped is > 0 and long skipped)
                session.Terminal.Complain($"the first {skipped} bytes of output came too early; zos logs {streams.Machine.Deployment} has them");
            return await streams.RunAsync(session, attached);
        }
    }

    private static RunRequest Request(ParseResult parsed, string name) => new()
    {
        Name = name,
        Environment = RunRequest.ParseEnvironment(parsed.GetValue(s_env) ?? []),
        Ports = [.. (parsed.GetValue(s_publish) ?? []).Select(RunRequest.ParsePort)],
        Mounts = [.. (parsed.GetValue(s_volume) ?? []).Where(v => !RunFiles.IsFile(v)).Select(RunRequest.ParseVolume)],
        VolumeSize = SizeArgument.Parse(parsed.GetValue(s_volumeSize)!),
        User = parsed.GetValue(s_user),
        Workdir = parsed.GetValue(s_workdir),
        Entrypoint = parsed.GetValue(s_entrypoint),
        Restart = RunRequest.ParseRestart(parsed.GetValue(s_restart)!),
        Health = HealthOptions.Parse(parsed),
        Memory = RunRequest.ParseMemory(parsed.GetValue(s_memory)!),
        Cpus = RunInside.ParseCpus(parsed.GetValue(s_cpus)!),
        Tty = parsed.GetValue(s_terminal),
        Stdin = parsed.GetValue(s_input),
        Command = parsed.GetValue(s_command) ?? [],
        Inside = RunInside.Read(parsed) with { Files = RunFiles.Read(parsed.GetValue(s_volume) ?? []) },
    };

    private static async Task<FlistReference> BuildAndPushAsync(Session session, string source, string name)
    {
        string registry = session.Registries().First
            ?? throw new CliException("an image built here has to go to a registry the node can reach; say which with --registry NAME=URL", CliException.Usage);
        string folder = Directory.CreateTempSubdirectory("zos-run").FullName;
        try
        {
            using PulledImage image = await PulledImage.OpenAsync(session, source, folder);
            BuildResult built;
            using (ProgressLine progress = new(session.Terminal, TimeProvider.System))
                built = FlistBuilder.Build(image.Source, folder, progress);
            RegistryReference reference = Registries.Parse($"{registry}/{name}:{built.ManifestDigest[7..19]}");
            await FlistVerbs.PushAsync(session, folder, built.ManifestDigest, reference);
            return new FlistReference { Reference = reference.ToString(), Digest = built.ManifestDigest };
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
