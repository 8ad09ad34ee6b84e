using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;

namespace ZeroOS.Node.Update;

/// <summary>What became of an update, as the boot after it can tell. Nothing is asked and nothing changed here.</summary>
internal static class UpdateOutcome
{
    /// <summary>
    /// The record as it is after this boot. <see cref="UpdateState.Trial"/> means that the trial begins now; a record that was decided before, or none, stays
    /// as it is.
    /// </summary>
    /// <param name="record">What was remembered.</param>
    /// <param name="boot">Where this boot came from.</param>
    /// <param name="running">What runs.</param>
    /// <param name="watchdogBit">The last restart was the watchdog's doing.</param>
    public static UpdateRecord? Of(UpdateRecord? record, BootSource boot, ImageRelease running, bool watchdogBit)
    {
        if (record is null || record.State is UpdateState.Kept or UpdateState.Failed)
            return record;
        if (!record.IsPending)
            return record.Failed("interrupted",
                $"the node ended while the update was {(record.State == UpdateState.Fetching ? "being fetched" : "being written")}; "
                + $"{running.Version} was not touched");
        bool asked = running.Version.ToString(3) == record.Version && running.Digest == record.ImageDigest;
        if (record.OverNetwork)
        {
            return asked ? record.Kept() : record.Failed("server-serves-other",
                $"the server still serves {running.Version} ({running.Digest}); put {record.Version} there and ask again");
        }
        return (asked, boot.Kind) switch
        {
            (true, BootKind.Trial) => record with { State = UpdateState.Trial, Reason = null, Message = null },
            (true, _) => record.Kept(), // the power went between the exchange and its being remembered
            (false, BootKind.Trial) => record.Failed("wrong-image",
                $"the slot for trials holds {running.Version} ({running.Digest}), which is not what the manifest promised"),
            _ when record.Reason is { } reason => record.Failed(reason, record.Message ?? ""),
            _ when watchdogBit => record.Failed("watchdog", $"{record.Version} hung and the watchdog restarted the computer{Reached(record)}"),
            _ when record.State == UpdateState.Trial => record.Failed("trial-ended",
                $"{record.Version} ran, and the computer restarted before it had proven itself: a panic, a power cut, or a restart asked for"),
            _ => record.Failed("not-started",
                $"{record.Version} never reported: the firmware did not start it (a missing signature?), or it failed before its node ran"),
        };
    }

    private static string Reached(UpdateRecord record) => record.State == UpdateState.Trial ? " during the trial" : " before its node ran";
}
