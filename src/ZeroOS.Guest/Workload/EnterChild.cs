using System.Text.Json;

using ZeroOS.Contracts.Guest;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>Starts <see cref="Enter"/> in a child and hears whether it became its program.</summary>
internal static class EnterChild
{
    /// <summary>
    /// Starts it with <paramref name="descriptors"/>, in a process-id namespace of its own or the one that is open as <paramref name="pids"/>, and returns when
    /// it is the program that runs, no longer we. A child that has not come so far within <paramref name="patience"/> is killed; one with another failure ends
    /// by itself.
    /// </summary>
    /// <exception cref="LinuxException">There is no child.</exception>
    internal static Child Start(EnterPlan plan, IReadOnlyList<(FileDescriptor Source, int Target)> descriptors, FileDescriptor? pids, TimeSpan patience,
        Func<ChildStart, Child> spawn, out GuestFailure? failure)
    {
        using FileDescriptor planFile = FileDescriptor.Memory("plan");
        planFile.Write(JsonSerializer.SerializeToUtf8Bytes(plan, EnterJson.Default.EnterPlan));
        (FileDescriptor reportRead, FileDescriptor reportWrite) = Pipe.Make();
        using (reportRead)
        {
            Child child;
            using (reportWrite)
            {
                child = spawn(new ChildStart
                {
                    Path = "/proc/self/exe",
                    Arguments = ["zguest", "enter"],
                    Descriptors = [.. descriptors, (planFile, EnterPlan.Descriptor), (reportWrite, EnterPlan.ReportDescriptor)],
                    NewPidNamespace = pids is null,
                    PidNamespace = pids,
                });
            }
            failure = ReadReport(reportRead, child, patience);
            return child;
        }
    }

    private static GuestFailure? ReadReport(FileDescriptor pipe, Child child, TimeSpan patience)
    {
        long deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        using MemoryStream report = new();
        byte[] buffer = new byte[4096];
        while (true)
        {
            if (!Polling.IsReadable(pipe, (int)Math.Max(deadline - Environment.TickCount64, 0)))
            {
                child.Signal(SignalName.Kill);
                return new GuestFailure { Stage = "exec", Message = $"the program did not begin within {patience.TotalSeconds} s" };
            }
            int length = pipe.Read(buffer);
            if (length == 0)
                return report.Length == 0 ? null : JsonSerializer.Deserialize(report.ToArray(), GuestJson.Default.GuestFailure);
            report.Write(buffer, 0, length);
        }
    }
}
