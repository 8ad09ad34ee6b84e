using System.CommandLine;

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

/// <summary>zos run and create: one machine, as Docker users type it.</summary>
internal static class RunVerb
{
    private static readonly string[] s_sources = [PulledImage.Scheme, "oci:", "oci-archive:", "docker-archive:", "rootfs:", "tar:"];

    // More than the node waits for those who still read its output.
    private static readonly TimeSpan s_goes = TimeSpan.FromSeconds(12);

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
        HelpName = "no|on-failure[:TIMES]|always",
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
    private static readonly Option<bool> s_remove = new("--rm") { Description = "have the node delete the deployment at its end; volumes are kept" };
    private static readonly Option[] s_options =
    [
        s_env, s_publish, s_volume, s_volumeSize, s_user, s_workdir, s_entrypoint, s_restart, s_memory, s_cpus, s_name, s_input, s_terminal, s_remove,
        .. RunInside.Options, .. HealthOptions.All,
    ];
    private static readonly Argument<string> s_image = new("IMAGE")
    {
        Description = "flist REGISTRY/NAME[:TAG]; or docker://, oci:, docker-archive:, rootfs: or tar: source, which is built and pushed first"
    };
    private static readonly Argument<string[]> s_command = new("COMMAND")
    {
        Arity = ArgumentArity.ZeroOrMore,
        Description = "program and arguments (default: the image's)"
    };

    public static IEnumerable<Command> Build(Terminal terminal)
    {
        WorkloadCommand run = new("run", "Run one machine in the foreground until its program ends.") { s_detach, s_keys, s_proxy };
        WorkloadCommand create = new("create", "Create one machine that runs once it is started, and print its name.");
        foreach (WorkloadCommand command in new[] { run, create })
        {
            foreach (Option option in s_options)
                command.Add(option);
            command.Add(s_image);
            command.Add(s_command);
        }
        Session.Set(run, terminal, RunAsync, lasting: true);
        Session.Set(create, terminal, CreateAsync, lasting: true);
        return [run, create];
    }

    private static async Task<int> CreateAsync(Session session, ParseResult parsed)
    {
        (_, DeploymentStatus stored) = await StoreAsync(session, parsed, Request(parsed, run: false));
        session.Terminal.Out.WriteLine(stored.Deployment.Name);
        return 0;
    }

    private static async Task<int> RunAsync(Session session, ParseResult parsed)
    {
        bool detach = parsed.GetValue(s_detach);
        // What goes with its end is listened to before it starts, as Docker has it: a short one would be gone before it is asked about.
        bool goes = parsed.GetValue(s_remove) && !detach;
        RunRequest request = Request(parsed, run: !goes);
        MachineName machine = new() { Deployment = request.Name, Machine = RunRequest.Machine };
        AttachedStreams streams = new()
        {
            Machine = machine,
            Input = request.Stdin,
            Keys = DetachKeys.Parse(parsed.GetValue(s_keys)!),
            ProxiesSignals = parsed.GetValue(s_proxy),
        };
        if (request is { Tty: true, Stdin: true } && !detach && session.Terminal.Keyboard is null)
        {
            session.Terminal.Complain("-it needs a terminal, and the input of zos is none; leave out -t");
            return CliException.Refused;
        }
        (NodeClient node, DeploymentStatus stored) = await StoreAsync(session, parsed, request);
        if (!goes)
            await StartedAsync();
        if (detach)
        {
            session.Terminal.Out.WriteLine(machine.Deployment);
            return 0;
        }
        bool joins = request.Tty || request.Stdin;
        Attachment? joined = joins && !goes ? await JoinAsync() : null;
        try
        {
            MachineLogs output = new() { Deployment = machine.Deployment, Machine = machine.Machine, Follow = true, AtOnce = goes };
            if (joined is null)
                await LogsVerb.CopyAsync(session, node, output, goes ? BegunAsync : null);      // until it is at rest
        }
        catch (BusErrorException e) when (goes && e.Error.Code == ErrorCodes.NotFound)
        {
            session.Terminal.Complain("the machine went while the connection was lost; the end of its output is missing");
        }
        int code;
        if (joined is null)
        {
            code = (await MachineWait.UntilAtRestAsync(node, machine, session.Cancellation)).ExitCode ?? WorkloadCommand.OurFault;
        }
        else
        {
            await using (joined)
            {
                if (joined.Program.Skipped is > 0 and long skipped)
                    session.Terminal.Complain($"the first {skipped} bytes of output came too early; zos logs {machine.Deployment} has them");
                if (await streams.RunAsync(session, joined) is not int ended)
                    return 0;       // the person left
                code = ended;
            }
        }
        if (goes)
            await DeploymentWait.UntilGoneAsync(node, machine.Deployment, s_goes, session.Cancellation);        // its name is free again
        return code;

        // Its log is listened to and it starts. Who joins its program needs the log no longer.
        async Task<bool> BegunAsync()
        {
            await node.StartAsync(machine, session.Cancellation);
            await StartedAsync();
            joined = joins ? await JoinAsync() : null;
            return joined is null;
        }

        Task<Attachment?> JoinAsync() => node.TryAttachAsync(machine, new AttachBegin { FromStart = true }, session.Cancellation);

        async Task StartedAsync()
        {
            using WaitLines lines = new(session.Terminal, quiet: session.Json);
            await DeploymentWait.UntilRunningAsync(node, stored, lines, session.Cancellation);
        }
    }

    /// <summary>Brings the image to where the node finds it, and has the node store the deployment.</summary>
    private static async Task<(NodeClient Node, DeploymentStatus Stored)> StoreAsync(Session session, ParseResult parsed, RunRequest request)
    {
        string image = parsed.GetRequiredValue(s_image), name = request.Name;
        FlistReference flist = s_sources.Any(s => image.StartsWith(s, StringComparison.Ordinal))
            ? await BuildAndPushAsync(session, image, name)
            : new FlistReference { Reference = image, Digest = await FlistResolver.DigestAsync(session.Registries(), image, null, session.Cancellation) };
        NodeClient node = session.Connect();
        int version = await node.VersionAsync(name, session.Cancellation);
        if (version > 0)
            throw new CliException($"you have a deployment \"{name}\" already; delete it (zos delete {name}) or choose another --name");
        return (node, await node.ApplyAsync(request.ToDeployment(flist), session.Cancellation));
    }

    // All that can be wrong with the words is said before anything is built or sent.
    private static RunRequest Request(ParseResult parsed, bool run) => new()
    {
        Name = parsed.GetValue(s_name) ?? RunRequest.NameFor(parsed.GetRequiredValue(s_image)),
        Environment = RunRequest.ParseEnvironment(parsed.GetValue(s_env) ?? []),
        Ports = [.. (parsed.GetValue(s_publish) ?? []).Select(RunRequest.ParsePort)],
        Mounts = [.. (parsed.GetValue(s_volume) ?? []).Where(v => !RunFiles.IsFile(v)).Select(RunRequest.ParseVolume)],
        VolumeSize = SizeArgument.Parse(parsed.GetValue(s_volumeSize)!),
        User = parsed.GetValue(s_user),
        Workdir = parsed.GetValue(s_workdir),
        Entrypoint = parsed.GetValue(s_entrypoint),
        Restart = RunRequest.ParseRestart(parsed.GetValue(s_restart)!).Policy,
        MaxRestarts = RunRequest.ParseRestart(parsed.GetValue(s_restart)!).MaxRestarts,
        Run = run,
        Remove = parsed.GetValue(s_remove),
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
