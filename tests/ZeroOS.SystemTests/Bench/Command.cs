using System.Diagnostics;

using ZeroOS.Bus.Client;

namespace ZeroOS.SystemTests.Bench;

/// <summary>What a finished command left.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>The output of a command that succeeded.</summary>
    public string Ok() => ExitCode == 0 ? Output.Trim() : throw new InvalidOperationException($"exit code {ExitCode}: {Error.Trim()} {Output.Trim()}");
}

/// <summary>Runs programs as a person would, with a deadline.</summary>
internal static class Command
{
    /// <summary>Runs to the end; a command that outlives its deadline is killed and fails the test.</summary>
    public static async Task<CommandResult> Run(string program, IEnumerable<string> arguments, TimeSpan deadline,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = Checkout.Root
        };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        using CancellationTokenSource timer = new(deadline);
        try
        {
            await process.WaitForExitAsync(timer.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{Path.GetFileName(program)} {string.Join(' ', arguments)} did not end within {deadline.TotalSeconds} s");
        }
        return new CommandResult(process.ExitCode, await output, await error);
    }
}

/// <summary>Waits for what must become true.</summary>
internal static class Eventually
{
    /// <summary>
    /// Asks again and again until <paramref name="probe"/> gives something; fails with the last trouble when the deadline has passed. A deadline inside the
    /// probe ends that attempt only; a <see cref="NodeEndedException"/> ends the wait.
    /// </summary>
    public static async Task<T> Get<T>(string what, TimeSpan deadline, Func<Task<T?>> probe) where T : class
    {
        Stopwatch watch = Stopwatch.StartNew();
        string trouble = "nothing yet";
        while (watch.Elapsed < deadline)
        {
            try
            {
                if (await probe() is T found)
                    return found;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or InvalidOperationException or OperationCanceledException
                or TimeoutException or BusTransportException or SpoofedReplyException)
            {
                trouble = e.Message;
            }
            await Task.Delay(100);
        }
        throw new TimeoutException($"{what} did not happen within {deadline.TotalSeconds} s: {trouble}");
    }
}
