using System.Buffers.Binary;
using System.Text;

using ZeroOS.Client;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Engine.Logs;
using ZeroOS.Formats.Tar;
using ZeroOS.Guest.Sessions;
using ZeroOS.Guest.Workload;
using ZeroOS.Host.Machines;
using ZeroOS.Init;
using ZeroOS.Init.Jail;
using ZeroOS.Linux;
using ZeroOS.Tests.Formats.Tar;
using ZeroOS.Tests.Host.Guests;
using ZeroOS.Tests.Trees;
using ZeroOS.Trees;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Fuzz;

/// <summary>What guests and monitors send, and what is kept about machines.</summary>
internal static class MachineEntries
{
    public static IReadOnlyList<FuzzEntry> All { get; } =
    [
        new DecoderEntry("guest frames", () => [Frames()], ReadFrames),
        new DecoderEntry("copied archive", () => [Archive()], CopyArchive),
        new DecoderEntry("begin of an attach", () => ["""{"fromStart":true}"""u8.ToArray()], ReadAttachBegin),
        new DecoderEntry("begin of a copy", () => ["""{"path":"/etc","followLink":true,"keepOwners":false}"""u8.ToArray()], ReadCopyBegin),
        new DecoderEntry("begin of a forwarded connection", () => ["""{"port":8080}"""u8.ToArray()], ReadForwardBegin),
        new DecoderEntry("list of processes", () => ["""{"processes":[{"id":1,"parent":0,"user":0,"state":"S","command":"init"}],"more":true}"""u8.ToArray()],
            ReadProcesses),
        new DecoderEntry("stat of a process", () => [Encoding.UTF8.GetBytes("7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 1 2 0 0 20 0 3 0 99 4096 5 0")],
            b => ProcessStat.TryParse(Encoding.UTF8.GetString(b)) is not null),
        new DecoderEntry("machine record", () => [Record()], ReadRecord),
        new DecoderEntry("log records", () => [[.. LogRecord.Encode(LogRecord.Begin, 0, []), .. LogRecord.Encode(LogRecord.Stdout, 0, "text\n"u8)]],
            ReadLog) { Repair = RepairLog },
        new DecoderEntry("kernel command line", () => ["quiet zeroos.log=debug zeroos.name=shelf-7 root=/dev/vda\n"u8.ToArray()], ReadCommandLine),
        new DecoderEntry("jail arguments", () =>
            [Encoding.UTF8.GetBytes(string.Join('\n', new JailSpec { Arguments = ["zvmm", "--config=3"], Uid = 9, OpenFiles = 64 }.ToArguments().Skip(1)))],
            b => FuzzEntries.Reads<FormatException>(() => JailSpec.Parse(Encoding.UTF8.GetString(b).Split('\n')))),
    ];

    private static byte[] Frames()
    {
        byte[] log = new byte[8 + 5];
        BinaryPrimitives.WriteInt64LittleEndian(log, 7);
        return
        [
            .. Frame(GuestFrameType.Hello,
                $$"""{"version":1,"hasSpec":true,"running":false,"secret":"{{Convert.ToBase64String(new byte[GuestProtocol.SecretBytes])}}"}"""),
            .. Frame(GuestFrameType.Started, """{"bootUs":9}"""), .. GuestFrameBuffer.Frame(GuestFrameType.Log, 1, log),
            .. Frame(GuestFrameType.Health,
                """{"state":"healthy","failingStreak":0,"result":{"number":1,"startMs":1,"endMs":2,"exitCode":0,"output":"b2s="}}"""),
            .. Frame(GuestFrameType.Use, """{"pids":3,"pidsLimit":100,"cpuPressurePer10000":125,"memoryPressurePer10000":0,"ioPressurePer10000":7}"""),
            .. Frame(GuestFrameType.Failed, """{"stage":"root","message":"no","code":125}"""),
        ];
    }

    private static byte[] Frame(GuestFrameType type, string json) => GuestFrameBuffer.Frame(type, 0, Encoding.UTF8.GetBytes(json));

    private static bool ReadFrames(byte[] bytes)
    {
        using GuestConnectionTests bench = new();
        return bench.TryDeliver(bytes);
    }

    private static byte[] Archive() =>
        new TarBytes().Directory("d/").File("d/f", new string('x', 700)).SymbolicLink("d/l", "../d/f").HardLink("d/h", "d/f").Add("p", '6', [])
        .Pax("path", "d/" + new string('n', 120)).File("n", "long").SymbolicLink("m", "d").ToArray();

    // What passes the check is laid into a folder of its own, beside which nothing may change.
    private static bool CopyArchive(byte[] bytes)
    {
        try
        {
            Assert.InRange(TreeChecker.Check(new MemoryStream(bytes), new SilentWatcher()), 0, bytes.Length / 512);
        }
        catch (Exception e) when (e is TarException or TreeException)
        {
            return false;
        }
        using TreeBench bench = new();
        try
        {
            bench.Unpack(bytes, local: true);
        }
        catch (Exception e) when (e is TreeException or LinuxException)
        {
            // it passes, and yet its entries are in each other's way
        }
        bench.AssertOutside();
        Assert.Equal(3, Directory.GetFileSystemEntries(Path.GetDirectoryName(bench.To)!).Length);
        return true;
    }

    private sealed class SilentWatcher : ITreeWatcher
    {
        public void Note(string sentence)
        {
        }

        public void Moved(int bytes)
        {
        }
    }

    private static bool ReadCopyBegin(byte[] bytes)
    {
        if (CopyBeginReader.TryRead(bytes, out string refusal) is { } begin)
            Assert.InRange(begin.Path.Length, 1, CopyBegin.MaxPathBytes);
        return refusal.Length == 0;
    }

    private static bool ReadAttachBegin(byte[] bytes)
    {
        bool good = AttachBeginReader.TryRead(bytes, out string refusal) is not null;
        Assert.Equal(good, refusal.Length == 0);
        return good;
    }

    private static bool ReadForwardBegin(byte[] bytes)
    {
        ushort port = ForwardBeginReader.TryReadPort(bytes, out string refusal);
        Assert.Equal(port == 0, refusal.Length > 0);
        return port != 0;
    }

    // Whatever it lists can be shown.
    private static bool ReadProcesses(byte[] bytes)
    {
        if (MachineProcesses.Parse(bytes) is not { } list)
            return false;
        foreach (ProcessColumns columns in (ProcessColumns[])[ProcessColumns.Full, ProcessColumns.Users])
        {
            Assert.All(list.Processes, p =>
            {
                string[] row = columns.Row(p, DateTimeOffset.UnixEpoch);
                Assert.Equal(columns.Titles.Count, row.Length);
                Assert.DoesNotContain(row, c => c.Any(char.IsControl));
            });
        }
        return true;
    }

    private static byte[] Record()
    {
        GuestSpec spec = new() { Hostname = "web", RootDisk = "root", WritableDisk = "rw", Process = new GuestProcess { Arguments = ["/bin/true"] } };
        using MachineRecord record = MachineRecord.Create(new WorkloadId("tenant", "shop", "web"), spec, 256 << 20, 128 << 20);
        record.Add(new MachineFact { Exited = new GuestExited { Code = 3 } });
        byte[] bytes = new byte[record.File.Length];
        record.File.ReadExactlyAt(bytes, 0);
        return bytes;
    }

    private static bool ReadRecord(byte[] bytes)
    {
        FileDescriptor file = FileDescriptor.Memory("record");
        file.WriteAt(bytes, 0);
        using MachineRecord? read = MachineRecord.TryRead(file);
        if (read is null)
            file.Dispose();
        else
            Assert.Equal(GuestProtocol.SecretBytes, read.Secret.Length);
        return read is not null;
    }

    private static bool ReadLog(byte[] bytes)
    {
        int at = 0;
        LogTimes times = default;
        while (LogRecord.TryRead(bytes, at, out LogRecord record))
        {
            Assert.InRange(record.Start + record.Length, at + LogRecord.HeaderBytes, bytes.Length);
            times.Take(record);
            Assert.InRange(times.Of(record) ?? 0, 0, (1L << 48) + (1L << 23));
            at = record.Start + record.Length;
        }
        return at > 0;
    }

    private static void RepairLog(byte[] bytes)
    {
        if (bytes.Length >= LogRecord.HeaderBytes && BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(4)) is >= 0 and var length
            && length <= bytes.Length - LogRecord.HeaderBytes)
            LogRecord.Encode(bytes[16], BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8)), bytes.AsSpan(LogRecord.HeaderBytes, length),
                BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(16)) >>> 8).AsSpan(0, 4).CopyTo(bytes);
    }

    private static bool ReadCommandLine(byte[] bytes)
    {
        (Dictionary<string, string> settings, List<string> ignored) = KernelCommandLine.Parse(Encoding.UTF8.GetString(bytes));
        Assert.All(settings,
            s => Assert.True(s.Value.Length is > 0 and <= 64 && s.Value.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'), s.Value));
        Assert.InRange(ignored.Count, 0, 8);
        return settings.Count > 0;
    }
}
