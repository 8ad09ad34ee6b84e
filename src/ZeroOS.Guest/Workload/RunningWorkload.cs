using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Output;
using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>
/// The workload's process: started through <see cref="Enter"/>, stopped with grace, reaped by the thread that calls <see cref="WaitForEnd"/>.
/// </summary>
internal sealed class RunningWorkload
{
    private readonly int _pid;
    private readonly OutputCapture _out, _error;
    private readonly object _lock = new();
    private bool _ended;

    private RunningWorkload(int pid, OutputCapture output, OutputCapture error) => (_pid, _out, _error) = (pid, output, error);

    /// <summary>Starts it and returns when it is the workload that runs, no longer we.</summary>
    /// <exception cref="SetupException">What kept it from running.</exception>
    internal static RunningWorkload Start(EnterPlan plan, OutputRing ring, Action outputCame)
    {
        using FileDescriptor planFile = FileDescriptor.Memory("plan"), nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadOnly);
        planFile.Write(JsonSerializer.SerializeToUtf8Bytes(plan, EnterJson.Default.EnterPlan));
        (FileDescriptor outRead, FileDescriptor outWrite) = Pipe.Make();
        (FileDescriptor errorRead, FileDescriptor errorWrite) = Pipe.Make();
        (FileDescriptor reportRead, FileDescriptor reportWrite) = Pipe.Make();
        using (reportRead)
        {
            int pid;
            using (outWrite)
            using (errorWrite)
            using (reportWrite)
            {
                pid = ChildProcess.Spawn(new ChildStart
                {
                    Path = "/proc/self/exe",
                    Arguments = ["zguest", "enter"],
                    Descriptors = [(nothing, 0), (outWrite, 1), (errorWrite, 2), (planFile, EnterPlan.Descriptor), (reportWrite, EnterPlan.ReportDescriptor)],
                    NewPidNamespace = true,
                });
            }
            RunningWorkload workload = new(pid, new OutputCapture(outRead, OutputStream.StandardOutput, ring, outputCame),
                new OutputCapture(errorRead, OutputStream.StandardError, ring, outputCame));
            if (ReadReport(reportRead) is not { } failure)
                return workload;
            _ = workload.WaitForEnd();
            throw new SetupException(failure.Stage, failure.Message, failure.Code);
        }
    }

    /// <summary>Reaps until the workload is gone and its output read; nothing of it runs afterwards (the kernel ends a namespace with its process 1).</summary>
    internal GuestExited WaitForEnd()
    {
        ProcessExit exit;
        do
        {
            if (ChildProcess.TryWait(0, out exit) is var errno && errno != Errno.None)
                throw new LinuxException(errno, "waitid", "workload");
        }
        while (exit.Pid != _pid);
        lock (_lock)
        {
            _ended = true;
            Monitor.PulseAll(_lock);
        }
        TimeSpan patience = TimeSpan.FromSeconds(5);
        _ = _out.WaitForEnd(patience);
        _ = _error.WaitForEnd(patience);
        return new GuestExited
        {
            Code = exit.Signal == 0 ? exit.Code : 128 + exit.Signal,
            Signal = exit.Signal,
            OutOfMemory = exit.Signal == SignalName.Kill && KilledForMemory(),
        };
    }

    /// <summary>One signal, if it still runs.</summary>
    internal void Signal(int number)
    {
        lock (_lock)
        {
            if (!_ended && number is >= 1 and <= 64)
                _ = ChildProcess.TryKill(_pid, number);
        }
    }

    /// <summary>Signal, grace, SIGKILL; returns at once.</summary>
    internal void Stop(int signal, TimeSpan grace)
    {
        Signal(signal);
        new Thread(() => KillAfter(grace), 128 * 1024) { Name = "stop", IsBackground = true }.Start();
    }

    private void KillAfter(TimeSpan grace)
    {
        long deadline = Environment.TickCount64 + (long)grace.TotalMilliseconds;
        lock (_lock)
        {
            while (!_ended && Environment.TickCount64 < deadline)
                Monitor.Wait(_lock, (int)(deadline - Environment.TickCount64));
        }
        Signal(SignalName.Kill);
    }

    private static GuestFailure? ReadReport(FileDescriptor pipe)
    {
        using MemoryStream report = new();
        byte[] buffer = new byte[4096];
        while (pipe.Read(buffer) is var n && n > 0)
            report.Write(buffer, 0, n);
        return report.Length == 0 ? null : JsonSerializer.Deserialize(report.ToArray(), GuestJson.Default.GuestFailure);
    }

    private static bool KilledForMemory()
    {
        string events = KernelFile.TryRead(WorkloadCgroup.Path + "/memory.events", out _, 4096) ?? "";
        return events.Split('\n').Any(l => l.StartsWith("oom_kill ", StringComparison.Ordinal) && l != "oom_kill 0");
    }
}
